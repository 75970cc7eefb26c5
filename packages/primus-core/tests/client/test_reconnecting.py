"""What a socket does when its connection is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from primus import ConnectTimeout, ProtocolError, TransportError

QUICK = {"reconnect": {"min": 1, "max": 4, "retries": 3, "timeout": 5}}
LONGEST = 4


async def test_a_lost_connection_is_made_again(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)

    wire.lose()
    assert heard.story == ["close", "reconnect scheduled"]
    await stage.advance(LONGEST)

    assert heard.story[2:] == ["reconnect", "reconnected", "open"]
    assert len(stage.dialler.dials) == 2


async def test_the_events_carry_the_state_of_the_procedure(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)

    wire.lose()
    await stage.advance(LONGEST)

    (opts,) = await heard.next("reconnect")
    assert (opts.attempt, opts.retries, opts.min, opts.max) == (1, 3, 1, 4)
    assert (opts.factor, opts.timeout) == (2, 5)
    assert 1 <= opts.scheduled <= 2
    assert opts.duration == pytest.approx(opts.scheduled)
    assert (await heard.next("reconnected"))[0].duration == LONGEST


async def test_what_is_written_meanwhile_arrives_in_order(stage: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    wire.lose()
    socket.write(1)
    socket.write(2)

    await stage.advance(LONGEST)

    assert stage.wire.sent[:2] == ["1", "2"]


async def test_attempts_that_fail_are_followed_by_later_ones(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)
    stage.dialler.answer = TransportError("unreachable")

    wire.lose()
    for _ in range(3):
        await stage.advance(LONGEST)

    delays = [opts.scheduled for (opts,) in heard.seen("reconnect scheduled")]
    assert 1 <= delays[0] <= 2 <= delays[1] <= 4 == delays[2]
    assert heard.seen("error") == []
    assert heard.story[-2:] == ["end", "reconnect failed"]
    ((error, opts),) = heard.seen("reconnect failed")
    assert isinstance(error, TransportError)
    assert str(error.__cause__) == "unreachable"
    assert opts.attempt == 3


async def test_an_attempt_that_takes_too_long_is_followed_by_another(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)
    stage.dialler.answer = None
    wire.lose()
    await stage.advance(2)

    stage.dialler.answer = True
    await stage.advance(5)
    await stage.advance(LONGEST)

    ((error, opts),) = heard.seen("reconnect timeout")
    assert isinstance(error, ConnectTimeout)
    assert opts.attempt == 1
    assert heard.story[-3:] == ["reconnect", "reconnected", "open"]
    assert stage.dialler.given_up == 1


async def test_opening_while_an_attempt_is_under_way_changes_nothing(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened(**QUICK)
    stage.dialler.answer = None
    wire.lose()
    heard = story(socket)
    await stage.advance(2)

    socket.open()
    await stage.settle()

    assert heard.story == ["reconnect"]
    assert (len(stage.dialler.dials), stage.dialler.given_up) == (2, 0)


async def test_a_listener_of_reconnect_that_ends_the_socket_prevents_the_attempt(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened(**QUICK)
    wire.lose()
    heard = story(socket)
    socket.on("reconnect", lambda _: socket.end())

    await stage.advance(LONGEST)

    assert heard.story == ["reconnect", "close", "end"]
    assert len(stage.dialler.dials) == 1


async def test_the_attempts_are_counted_anew_after_a_success(stage: Any, story: Any) -> None:
    socket, _wire = await stage.opened(**QUICK)
    heard = story(socket)

    for _ in range(5):
        stage.wire.lose()
        await stage.advance(LONGEST)

    assert [opts.attempt for (opts,) in heard.seen("reconnected")] == [1] * 5


async def test_a_connection_that_the_server_has_closed_stays_closed(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)
    received: list[Any] = []
    socket.on("data", received.append)

    wire.receive('"bye"', '"primus::server::close"')
    wire.lose()
    await stage.advance(60)

    assert received == ["bye"]
    assert heard.story == ["close", "end"]


async def test_without_the_strategy_disconnect_a_lost_connection_is_the_end(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened(strategy="ONLINE,timeout")
    heard = story(socket)

    wire.lose()

    assert heard.story == ["close", "end"]


async def test_a_violation_of_the_wire_protocol_is_told(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)

    wire.lose(ProtocolError("bad frame"))

    assert heard.story == ["error", "close", "reconnect scheduled"]


async def test_ending_while_waiting_stops_the_reconnection(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    wire.lose()
    heard = story(socket)

    socket.end()
    await stage.advance(60)

    assert heard.story == ["end"]
    assert len(stage.dialler.dials) == 1


async def test_ending_while_trying_stops_the_reconnection(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    stage.dialler.answer = None
    wire.lose()
    await stage.advance(2)
    heard = story(socket)

    socket.end()
    await stage.advance(60)

    assert heard.story == ["close", "end"]
    assert stage.dialler.given_up == 1


async def test_opening_by_hand_takes_the_place_of_the_reconnection(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    wire.lose()
    heard = story(socket)

    socket.open()
    await heard.next("open")
    await stage.advance(20)

    assert heard.story == ["open"]
    assert len(stage.dialler.dials) == 2


async def test_no_retries_means_none(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(reconnect={"retries": 0})
    heard = story(socket)

    wire.lose()

    assert heard.story == ["close", "end", "reconnect failed"]


async def test_what_is_written_once_all_attempts_have_failed_is_refused_and_not_kept(
    stage: Any,
) -> None:
    socket, wire = await stage.opened(reconnect={"retries": 0})
    wire.lose()
    assert socket.write("lost") is False
    await socket.opened()
    assert socket.write("again") is True
    assert stage.wire.sent[-1] == '"again"'
    assert '"lost"' not in stage.wire.sent


async def test_what_is_written_after_an_end_is_refused_until_the_socket_is_opened_again(
    stage: Any,
) -> None:
    socket, _ = await stage.opened()
    socket.end("last")
    assert socket.write("lost") is False
    assert socket.write("lost") is False
    await socket.opened()
    assert stage.wire.sent == ['"primus::id::"']
    assert socket.write("again") is True


async def test_what_is_written_before_a_socket_is_opened_by_hand_is_kept(stage: Any) -> None:
    socket = stage.make(manual=True)
    assert socket.write("kept") is True
    await socket.opened()
    assert stage.wire.sent[0] == '"kept"'


async def test_a_wire_that_is_lost_while_it_opens_is_a_failed_attempt(
    stage: Any, story: Any
) -> None:
    class Flaky(type(stage.dialler)):  # type: ignore[misc]
        async def open(self, dial: Any, connection: Any) -> Any:
            wire = await super().open(dial, connection)
            wire.lose()
            return wire

    stage.dialler = Flaky()
    heard = story(stage.make(**QUICK))

    await heard.next("error")

    assert heard.story == ["error", "reconnect scheduled"]


async def test_a_wire_that_breaks_while_it_opens_is_told_as_one_failed_attempt(
    stage: Any, story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = stage.dialler.open

    async def opens_and_breaks(*args: Any) -> None:
        (await opens(*args)).lose(TransportError("broken"))

    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)
    monkeypatch.setattr(stage.dialler, "open", opens_and_breaks)
    wire.lose()
    await stage.advance(LONGEST)

    assert heard.story[:3] == ["close", "reconnect scheduled", "reconnect"]
    assert "error" not in heard.story


async def test_a_client_that_has_tried_often_enough_says_so_at_its_end(stage: Any) -> None:
    socket, wire = await stage.opened(reconnect={"retries": 1, "timeout": 1})
    stage.dialler.answer = None
    wire.lose()
    await stage.advance(60)

    assert socket.closed.code == "unreachable"
    assert socket.closed.reason == "could not reconnect in 1 attempts"


async def test_ending_when_an_attempt_is_scheduled_leaves_no_timer(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(**QUICK)
    heard = story(socket)
    socket.on("reconnect scheduled", socket.end)

    wire.lose()

    assert heard.story == ["close", "reconnect scheduled", "end"]
    assert stage.clock.pending == 0


async def test_the_duration_is_that_of_all_attempts(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(reconnect={"min": 2, "max": 2, "retries": 2, "timeout": 5})
    heard = story(socket)
    stage.dialler.answer = TransportError("no")
    began = stage.clock.time()
    failed: list[float] = []
    socket.on("reconnect failed", lambda error, opts: failed.append(stage.clock.time() - began))
    wire.lose()
    for _ in range(20):
        await stage.advance(0.5)

    (_, opts) = heard.seen("reconnect failed")[0]
    assert opts.duration == failed[0] > 2


async def test_a_wire_of_which_tcp_leaves_something_is_waited_for(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket, wire = await stage.opened(strategy="online")
    kept: list[Any] = []
    monkeypatch.setattr(type(wire), "when_gone", lambda self, fn: kept.append(fn) or True)
    wire.lose()
    waiting = asyncio.ensure_future(socket.wait_closed())
    await stage.settle()
    assert not waiting.done()

    for fn in kept:
        fn()

    await waiting
