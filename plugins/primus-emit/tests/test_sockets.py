"""The plugin ``emitter`` on the Python client, which may lose its connection and come back."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from primus import OptionError, connect
from primus_emit import AckFailed, AckLost, AckTimeout
from primus_testing import MemoryTransformer, Recorder, eventually
from primus_testing.clients import comes_back, cut
from primus_testing.plugin import MakeSocket

PLUGIN = "emitter"


@pytest.fixture(autouse=True)
def silence(primus: Any) -> None:
    """An event that is never acknowledged."""
    primus.on("connection", lambda spark: spark.on("silence", lambda ack: None))


@pytest_asyncio.fixture
async def socket(make_socket: MakeSocket) -> Any:
    """A client that is open."""
    return await make_socket().opened()


async def test_events_and_acknowledgements_go_both_ways(primus: Any, make_socket: Any) -> None:
    asked: list[Any] = []

    @primus.on("connection")
    async def connection(spark: Any) -> None:
        spark.on("double", lambda number, ack: ack(number * 2))
        asked.append(await spark.ask("name?"))

    socket = make_socket()
    socket.on("name?", lambda ack: ack("me"))

    assert await socket.ask("double", 21) == 42
    assert asked == ["me"]


async def test_ask_fails_at_once_for_an_event_without_listener_on_either_side(
    primus: Any, socket: Any
) -> None:
    (spark,) = primus

    for asker in (socket, spark):
        with pytest.raises(AckFailed, match=r"\Ano listener\Z"):
            await asker.ask("unknown")


async def test_what_was_asked_before_it_is_open_is_answered(primus: Any, make_socket: Any) -> None:
    primus.on("connection", lambda spark: spark.on("vote", lambda ack: ack("yes")))

    socket = make_socket()

    assert await socket.ask("vote") == "yes"


async def test_what_was_sent_over_a_connection_that_goes_fails(primus: Any, socket: Any) -> None:
    answer = asyncio.create_task(socket.ask("silence"))
    await eventually(lambda: len(socket.acks))

    await cut(primus, socket)

    with pytest.raises(AckLost, match="the connection went before 'silence'"):
        await answer


async def test_what_was_asked_while_it_is_away_is_answered_when_it_is_back(
    primus: Any, socket: Any
) -> None:
    primus.on("connection", lambda spark: spark.on("vote", lambda ack: ack("yes")))
    await cut(primus, socket)

    answer = asyncio.create_task(socket.ask("vote"))
    await comes_back(socket)

    assert await answer == "yes"


async def test_what_is_kept_while_the_machine_is_offline_is_answered_later(
    primus: Any, socket: Any
) -> None:
    primus.on("connection", lambda spark: spark.on("vote", lambda ack: ack("yes")))
    ends: list[Any] = []
    socket.on("end", lambda: ends.append("end"))
    sent = asyncio.create_task(socket.ask("silence"))
    await eventually(lambda: len(socket.acks))
    await cut(primus, socket)
    answer = asyncio.create_task(socket.ask("vote"))
    await eventually(lambda: len(socket.acks))

    socket._network(False)
    await eventually(lambda: ends)
    with pytest.raises(AckLost):
        await sent
    assert not answer.done()
    socket._network(True)
    await comes_back(socket)

    assert await answer == "yes"


@pytest.mark.parametrize("is_offline_first", [True, False])
async def test_what_an_async_transform_has_while_the_machine_goes_offline_is_answered_later(
    primus: Any, socket: Any, is_offline_first: bool
) -> None:
    primus.on("connection", lambda spark: spark.on("vote", lambda ack: ack("yes")))
    ends: list[Any] = []
    socket.on("end", lambda: ends.append("end"))
    released = asyncio.Event()
    socket.transform("outgoing", lambda packet: released.wait())
    await cut(primus, socket)
    answers = [asyncio.create_task(socket.ask("vote")) for _ in range(2)]
    await eventually(lambda: len(socket.acks) == 2)

    async def offline() -> None:
        socket._network(False)
        await eventually(lambda: ends)

    async def transformed() -> None:
        released.set()
        await eventually(lambda: not socket.has_unsent)

    first, second = (offline, transformed) if is_offline_first else (transformed, offline)
    await first()
    await second()
    assert not any(answer.done() for answer in answers)
    socket._network(True)
    await comes_back(socket)

    assert await asyncio.gather(*answers) == ["yes", "yes"]


async def test_what_an_async_transform_has_fails_with_the_connection_it_was_written_for(
    primus: Any, socket: Any
) -> None:
    """A listener that awaits the answer would else keep the connection from ending."""
    released = asyncio.Event()
    socket.transform("outgoing", lambda packet: released.wait())
    answer = asyncio.create_task(socket.ask("vote"))
    await eventually(lambda: len(socket.acks))

    await cut(primus, socket)

    with pytest.raises(AckLost, match="the connection went before 'vote'"):
        await answer
    released.set()


async def test_what_an_async_transform_has_sent_fails_with_the_connection(
    primus: Any, socket: Any
) -> None:
    socket.transform("outgoing", lambda packet: asyncio.sleep(0))
    answers = [asyncio.create_task(socket.ask("silence")) for _ in range(2)]
    await eventually(lambda: len(socket.acks) == 2 and not socket.has_unsent)

    await cut(primus, socket)

    for answer in answers:
        with pytest.raises(AckLost):
            await answer


async def test_what_is_held_is_not_lost_with_a_connection_that_has_not_had_it(
    primus: Any, socket: Any
) -> None:
    primus.on("connection", lambda spark: spark.on("vote", lambda ack: ack("yes")))
    await cut(primus, socket)
    socket.hold_messages()
    answer = asyncio.create_task(socket.ask("vote"))
    await comes_back(socket)
    await cut(primus, socket)
    assert not answer.done()

    await comes_back(socket)
    socket.release_messages()

    assert await answer == "yes"


async def test_what_has_left_with_the_second_connection_fails_with_it(
    primus: Any, make_socket: Any
) -> None:
    socket = make_socket()
    answer = asyncio.create_task(socket.ask("silence"))
    await socket.opened()

    await cut(primus, socket)

    with pytest.raises(AckLost):
        await answer


async def test_ids_go_on_after_a_reconnect(primus: Any, socket: Any) -> None:
    socket.send("vote", print)
    await cut(primus, socket)
    frames: list[str] = []
    primus.on("connection", lambda spark: spark.on("incoming::data", frames.append))
    socket.send("vote", print)
    await comes_back(socket)

    await eventually(lambda: any("vote" in frame for frame in frames))
    ids = [json.loads(frame)["id"] for frame in frames if "vote" in frame]
    assert ids == [2]


async def test_an_acknowledgement_is_not_sent_over_the_next_connection(
    primus: Any, socket: Any
) -> None:
    """There the same id means another event."""
    acks: list[Any] = []
    socket.on("vote", acks.append)
    (spark,) = primus
    spark.send("vote", print)
    await eventually(lambda: acks)
    await cut(primus, socket)
    assert acks[0]("while it is away") is False
    await comes_back(socket)
    (spark,) = primus
    answers: list[Any] = []
    spark.send("vote", answers.append)
    await eventually(lambda: len(acks) == 2)

    assert acks[0]("of the first connection") is False
    assert acks[1]("of the second") is True

    await eventually(lambda: answers == ["of the second"])


@pytest.mark.parametrize("end", ["end", "destroy"])
async def test_ask_fails_when_the_socket_ends(socket: Any, end: str) -> None:
    answer = asyncio.create_task(socket.ask("silence"))
    await eventually(lambda: len(socket.acks))

    getattr(socket, end)()

    with pytest.raises(AckLost):
        await answer
    assert len(socket.acks) == 0


async def test_ask_fails_at_once_when_the_socket_has_ended(socket: Any) -> None:
    socket.end()
    with pytest.raises(AckLost, match="was not sent"):
        await socket.ask("vote")


async def test_ask_fails_when_the_socket_is_destroyed_before_it_has_opened(
    make_socket: Any,
) -> None:
    socket = make_socket(manual=True)
    answer = asyncio.create_task(socket.ask("vote"))
    await eventually(lambda: len(socket.acks))

    socket.destroy()

    with pytest.raises(AckLost):
        await answer
    with pytest.raises(AckLost, match="was not sent"):
        await socket.ask("vote")


async def test_ask_gives_up_by_the_clock_and_the_options_of_the_socket(make_socket: Any) -> None:
    socket = await make_socket(emitter_timeout=2.5).opened()
    answer = asyncio.create_task(socket.ask("silence"))
    await eventually(lambda: len(socket.acks))

    socket.options.clock.advance(2.5)

    with pytest.raises(AckTimeout):
        await answer


async def test_the_options_of_a_socket_are_checked(make_socket: Any) -> None:
    with pytest.raises(OptionError, match="emitter_timeout=0"):
        make_socket(emitter_timeout=0)


async def test_an_event_that_comes_with_the_connection_is_heard_after_connect(primus: Any) -> None:
    primus.on("connection", lambda spark: spark.send("welcome", "hello"))

    async with connect(
        "http://memory", transformer=MemoryTransformer, parser="json", plugin="emitter"
    ) as socket:
        events = Recorder(socket, "welcome")
        assert await events.one("welcome") == "hello"


async def test_a_listener_of_a_socket_may_ask(primus: Any, socket: Any) -> None:
    (spark,) = primus
    spark.on("name?", lambda ack: ack("the server"))
    answers: list[Any] = []

    @socket.on("news")
    async def news() -> None:
        answers.append(await socket.ask("name?"))

    spark.send("news")

    await eventually(lambda: answers == ["the server"])


async def test_listeners_added_at_once_get_what_came_with_the_handshake(primus: Any) -> None:
    primus.on("connection", lambda spark: spark.send("welcome", spark.id))

    socket = await connect(
        "http://memory", transformer=MemoryTransformer, parser="json", plugin="emitter"
    )
    events = Recorder(socket, "welcome")

    (spark,) = primus
    assert await events.next("welcome") == (spark.id,)
    socket.destroy()
