"""The heartbeats of the server, on a clock that the tests move."""

from collections.abc import Callable

import pytest

from primus.closed import Ending
from primus.errors import ProtocolError
from primus.timers import TimerWheel
from primus_testing import ManualClock
from primus_transformer_engineio.heartbeats import ClientPings, Heartbeat, ServerPings


class Watched:
    """What a heartbeat sees of its session."""

    def __init__(self) -> None:
        self.paused = False
        self.sent: list[object] = []
        self.is_over = False

    def dispatch(self, packet: str | bytes) -> None:
        """Note what is sent."""
        self.sent.append(packet)

    answer = dispatch

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Note the end."""
        self.is_over = True


def beating(clock: ManualClock, kind: type[Heartbeat]) -> tuple[Watched, Heartbeat]:
    session = Watched()
    timers: TimerWheel[Callable[[], object]] = TimerWheel(clock, 1.0, lambda due: due())
    heartbeat = kind(session, clock, timers, 25, 20)
    heartbeat.start()
    return session, heartbeat


def test_a_process_that_has_slept_gives_its_clients_their_time() -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, ServerPings)
    clock.block(3600)
    clock.advance(10)
    assert session.sent == ["2"]
    assert not heartbeat.expired
    assert not session.is_over
    clock.advance(12)
    assert session.is_over


def test_any_packet_since_the_ping_is_a_sign_of_life() -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, ServerPings)
    clock.advance(26)
    heartbeat.seen()
    clock.advance(24)
    assert not session.is_over
    assert session.sent == ["2", "2"]
    clock.advance(21)
    assert session.is_over


@pytest.mark.parametrize("kind", [ServerPings, ClientPings])
def test_a_client_that_is_not_read_is_not_blamed_for_its_silence(kind: type[Heartbeat]) -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, kind)
    session.paused = True
    for _ in range(200):
        clock.advance(1)
        assert not heartbeat.expired
    session.paused = False
    if kind is ClientPings:
        clock.advance(24)
        assert not session.is_over
    clock.advance(66)
    assert session.is_over


def test_a_peer_that_answers_what_was_not_asked_breaks_the_protocol() -> None:
    _, heartbeat = beating(ManualClock(), ClientPings)
    with pytest.raises(ProtocolError, match="has sent a pong"):
        heartbeat.pong()


@pytest.mark.parametrize(("kind", "limit"), [(ServerPings, 45), (ClientPings, 45)])
def test_a_heartbeat_that_has_stopped_ends_nothing_and_leaves_no_timer(
    kind: type[Heartbeat], limit: int
) -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, kind)
    clock.advance(1)

    heartbeat.stop()
    clock.advance(10 * limit)

    assert not session.is_over
    assert session.sent == []
    assert clock.pending == 0


def test_a_client_that_pings_is_over_when_its_interval_and_timeout_are() -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, ClientPings)
    heartbeat.ping("probe")
    assert session.sent == ["3probe"]
    clock.advance(44.9)
    assert not heartbeat.expired
    clock.advance(0.1)
    assert heartbeat.expired
    clock.advance(1.1)  # the timer is that coarse
    assert session.is_over
    assert heartbeat.silence.option == 'transport["ping_timeout"]'


def test_a_client_that_must_not_ping_breaks_the_protocol() -> None:
    _, heartbeat = beating(ManualClock(), ServerPings)
    with pytest.raises(ProtocolError, match="has sent a ping"):
        heartbeat.ping("")
