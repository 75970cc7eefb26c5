"""The plugin on the Python client, which brings its id along and comes back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio

from primus import OptionError
from primus_testing import ManualClock, Recorder, eventually
from primus_testing.plugin import MakeSocket

PLUGIN = "mirage, emit"
QUICK = {"reconnect": {"min": 1.0, "max": 1.0}}

MakePrimus = Callable[..., Any]


@pytest_asyncio.fixture
async def held(primus: Any) -> Any:
    """What the generator of the server gives, once the test decides."""
    made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    primus.mirage.generator(lambda spark: made)
    return made


async def test_the_id_is_announced_and_is_there_in_its_listeners(
    primus: Any, make_socket: MakeSocket
) -> None:
    socket = make_socket()
    assert socket.mirage == ""
    events = Recorder(socket, "mirage", "data")

    (id,) = await events.next("mirage")

    (spark,) = primus
    assert socket.mirage == id == spark.mirage
    assert events.seen("data") == []


@pytest.mark.parametrize("plugin", ["mirage, emitter", "mirage, emit", "emit-broadcast, mirage"])
async def test_a_client_comes_back_with_its_id(make_primus: MakePrimus, plugin: str) -> None:
    primus = make_primus(plugin)
    clock = ManualClock()
    socket = primus.Socket("http://memory?room=%C3%A9", clock=clock, network=False, **QUICK)
    events = Recorder(socket, "mirage", "close", "open")
    (id,) = await events.next("mirage")

    (spark,) = primus
    spark.abort()
    await events.next("close")
    clock.advance(1.0)
    await eventually(lambda: len(events.seen("open")) == 2)

    (again,) = primus
    assert again.mirage == id
    assert again.query["room"] == "é"
    assert events.seen("mirage") == [(id,)]
    socket.destroy()


async def test_an_id_given_by_option_is_used_at_once(primus: Any, make_socket: MakeSocket) -> None:
    socket = make_socket("http://memory?_mirage=old", mirage="a&b=c é")
    socket.write("at once")
    await socket.opened()

    (spark,) = primus
    assert socket.mirage == spark.mirage == "a&b=c é"
    assert spark.received == 1


async def test_a_new_id_takes_the_place_of_the_one_that_was_brought(
    primus: Any, make_socket: MakeSocket
) -> None:
    primus.mirage.validator(lambda spark: "new")
    socket = make_socket(mirage="old")
    events = Recorder(socket, "mirage")

    assert await events.next("mirage") == ("new",)
    assert socket.mirage == "new"


async def test_messages_wait_for_the_id_and_control_text_does_not(
    primus: Any, make_socket: MakeSocket, held: Any
) -> None:
    socket = make_socket(queue_size=2)
    await socket.opened()
    (spark,) = primus
    for number in range(3):
        assert socket.write(number) is True

    spark.heartbeat()
    assert await socket.id() == spark.id
    assert spark.received == 0
    data = Recorder(spark, "data", "heartbeat")
    held.set_result("an id")

    assert [(await data.next("data"))[0] for _ in range(2)] == [1, 2]
    socket.write("after it")
    assert (await data.next("data"))[0] == "after it"


async def test_the_end_of_a_client_without_an_id_still_sends_what_was_written(
    primus: Any, make_socket: MakeSocket, held: Any
) -> None:
    seen: list[Any] = []
    primus.on("connection", lambda spark: spark.on("data", seen.append))
    socket = make_socket()
    await socket.opened()
    socket.write("written")
    socket.end("last")
    (spark,) = primus

    held.set_result("an id")

    await eventually(lambda: seen == ["written", "last"])
    assert spark.mirage == "an id"


async def test_messages_of_a_connection_that_was_refused_reach_the_next_one(
    primus: Any, make_socket: MakeSocket, held: Any
) -> None:
    socket = make_socket()
    events = Recorder(socket, "close", "open")
    await events.next("open")
    socket.write("kept")
    (spark,) = primus
    spark.abort()
    await events.next("close")
    primus.mirage.generator(lambda spark: "an id")
    seen: list[Any] = []
    primus.on("connection", lambda spark: spark.on("data", seen.append))

    socket.options.clock.advance(1.0)

    await eventually(lambda: seen == ["kept"])
    held.cancel()


async def test_a_client_whose_server_gives_no_id_says_so(
    make_socket: MakeSocket, held: Any, caplog: pytest.LogCaptureFixture
) -> None:
    socket = make_socket()
    await socket.opened()

    socket.options.clock.advance(4.9)
    assert caplog.messages == []
    socket.options.clock.advance(0.2)

    assert "no session id for 5 s" in caplog.text
    held.set_result("an id")
    await eventually(lambda: socket.mirage == "an id")


async def test_a_client_that_has_its_id_or_has_closed_waits_for_none(
    primus: Any, make_socket: MakeSocket, held: Any, caplog: pytest.LogCaptureFixture
) -> None:
    named, closed = make_socket(), make_socket()
    await named.opened()
    await closed.opened()
    closed.end()
    held.set_result("an id")
    await eventually(lambda: named.mirage == "an id")

    named.options.clock.advance(6.0)

    assert "no session id" not in caplog.text


async def test_a_client_without_an_event_plugin_says_so_and_holds_nothing_back(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus("mirage")
    caplog.clear()
    socket = primus.Socket("http://memory", network=False)
    assert "learns the session id through an event plugin" in caplog.text

    await socket.opened()
    socket.write("hello")

    (spark,) = primus
    assert spark.received == 1
    socket.destroy()


@pytest.mark.parametrize("told", ["", ',""', ",5", f',"{"x" * 4097}"'], ids=lambda told: told[:4])
async def test_what_is_no_id_is_not_taken(
    primus: Any, make_socket: MakeSocket, held: Any, told: str
) -> None:
    socket = make_socket()
    await socket.opened()
    (spark,) = primus

    spark.relay(f'{{"emit":["mirage"{told}]}}', {})
    await asyncio.sleep(0)

    assert socket.mirage == ""
    held.set_result("an id")
    await eventually(lambda: socket.mirage == "an id")


@pytest.mark.parametrize("id", [None, 5, b"id"])
async def test_an_id_that_is_no_text_is_refused(make_socket: MakeSocket, id: Any) -> None:
    with pytest.raises(OptionError, match="mirage="):
        make_socket(mirage=id)


async def test_messages_go_on_waiting_after_what_is_no_id(
    primus: Any, make_socket: MakeSocket, held: Any
) -> None:
    socket = make_socket()
    await socket.opened()
    socket.write("waits")
    (spark,) = primus
    spark.relay('{"emit":["mirage",""]}', {})
    for _ in range(10):
        await asyncio.sleep(0)
    assert spark.received == 0
    held.set_result("an id")
    await eventually(lambda: spark.received == 1)
