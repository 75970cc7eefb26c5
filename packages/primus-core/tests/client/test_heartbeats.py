"""Heartbeats with servers of both generations."""

from __future__ import annotations

from typing import Any

PING, ID = '"primus::ping::1700000000000"', '"primus::id::"'


def asked(wire: Any) -> int:
    """How often the server has been asked for the id."""
    return wire.sent.count(ID)


async def test_a_ping_is_answered_to_the_letter(stage: Any) -> None:
    socket, wire = await stage.opened()
    received: list[Any] = []
    socket.on("data", received.append)

    wire.receive('"primus::ping::0123"')

    assert wire.sent[-1] == '"primus::pong::0123"'
    assert received == []


async def test_a_socket_never_pings(stage: Any) -> None:
    _, wire = await stage.opened()

    await stage.advance(30)

    assert not any("ping" in frame for frame in wire.sent)


async def test_an_idle_socket_asks_for_its_id(stage: Any) -> None:
    socket, wire = await stage.opened()
    wire.receive('"primus::id::abc"')
    before = asked(wire)

    await stage.advance(25)
    wire.receive('"primus::id::abc"')
    await stage.advance(25)

    assert asked(wire) == before + 2
    assert socket.ready_state == socket.OPEN


async def test_a_busy_socket_does_not_ask(stage: Any) -> None:
    socket, wire = await stage.opened()
    before = asked(wire)

    for _ in range(10):
        await stage.advance(10)
        socket.write("message")
        wire.receive('"answer"')

    assert asked(wire) == before


async def test_a_socket_that_only_receives_gives_a_sign_of_life(stage: Any) -> None:
    _, wire = await stage.opened()
    before = asked(wire)

    for _ in range(5):
        await stage.advance(10)
        wire.receive('"news"')

    assert asked(wire) == before + 2


async def test_a_server_that_ends_silent_connections_early_is_told_in_time(stage: Any) -> None:
    _, wire = await stage.opened(facts={"timeout": 15.0})
    before = asked(wire)

    await stage.advance(6)

    assert asked(wire) == before + 1


async def test_a_ping_shorter_than_pong_is_sent_again_once_it_is_answered(stage: Any) -> None:
    _, wire = await stage.opened(ping=1, pong=10)
    before = asked(wire)

    for _ in range(5):
        await stage.advance(1)
        wire.receive('"primus::id::abc"')

    assert asked(wire) == before + 5


async def test_a_sign_of_life_is_given_at_every_interval_though_an_answer_is_owed(
    stage: Any,
) -> None:
    _, wire = await stage.opened(ping=10, pong=60)
    before = asked(wire)

    for _ in range(5):
        await stage.advance(10)

    assert asked(wire) == before + 5


async def test_a_server_that_does_not_answer_is_lost(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    await stage.advance(34.9)
    assert heard.story == []
    await stage.advance(0.2)

    assert heard.story == ["offline", "close", "reconnect scheduled"]
    assert wire.aborted
    assert socket.online is False


async def test_any_frame_is_an_answer(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    await stage.advance(26)
    wire.receive('"anything"')
    await stage.advance(12)

    assert heard.story == []


async def test_the_socket_is_online_again_once_it_has_reconnected(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened()
    heard = story(socket)
    await stage.advance(35)

    await heard.next("reconnect scheduled")
    await stage.advance(1)

    assert heard.story[-4:] == ["reconnect", "reconnected", "online", "open"]
    assert socket.online is True


async def test_no_answer_is_expected_within_no_time(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened(pong=False)
    heard = story(socket)

    await stage.advance(200)

    assert heard.story == []


async def test_with_ping_disabled_nothing_is_asked(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(ping=False)
    heard = story(socket)
    before = asked(wire)

    await stage.advance(200)

    assert asked(wire) == before
    assert heard.story == []


async def test_a_server_that_stops_pinging_is_lost(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(ping_timeout=12)
    heard = story(socket)

    wire.receive(PING)
    await stage.advance(10)
    wire.receive(PING)
    await stage.advance(11)
    assert heard.story == []
    await stage.advance(1)

    assert heard.story[:2] == ["offline", "close"]


async def test_a_ping_that_waits_while_the_process_is_busy_is_in_time(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened(ping_timeout=12, ping=False)
    heard = story(socket)
    wire.receive(PING)

    stage.clock.block(60)
    wire.receive(PING)
    await stage.advance(11.9)

    assert heard.story == []
    await stage.advance(0.2)
    assert heard.story[:2] == ["offline", "close"]


async def test_an_answer_that_waits_while_the_process_is_busy_is_in_time(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    await stage.advance(26)
    stage.clock.block(60)
    wire.receive('"anything"')
    await stage.advance(5)

    assert heard.story == []


async def test_a_server_that_is_known_to_ping_has_to(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened(facts={"pings": True, "ping_timeout": 12.0})
    heard = story(socket)

    await stage.advance(12)

    assert heard.story[:2] == ["offline", "close"]


async def test_a_server_that_has_never_pinged_need_not(stage: Any, story: Any) -> None:
    socket, _wire = await stage.opened(ping_timeout=12)
    heard = story(socket)

    await stage.advance(20)

    assert heard.story == []


async def test_a_short_ping_does_not_prolong_the_time_for_an_answer(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened(ping=1, pong=3)
    heard = story(socket)

    await stage.advance(4)

    assert heard.story[0] == "offline"


async def test_silence_means_nothing_while_we_do_not_read(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(ping_timeout=12)
    heard = story(socket)
    messages = aiter(socket)
    wire.receive(PING, *(f"{number}" for number in range(40)))
    assert wire.paused

    await stage.advance(300)
    assert heard.story == []

    assert [await anext(messages) for _ in range(40)] == list(range(40))
    await stage.advance(8)
    wire.receive(PING)
    await stage.advance(8)
    assert heard.story == []


async def test_the_latency_is_the_time_the_id_takes(stage: Any) -> None:
    socket, wire = await stage.opened()
    assert socket.latency == 0.0

    await stage.advance(0.25)
    wire.receive('"primus::id::abc"')

    assert socket.latency == 0.25
