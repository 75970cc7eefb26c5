"""The heartbeat of the Python client, on a clock that the tests move."""

import pytest

from primus_testing import ManualClock
from primus_transformer_engineio.client_heartbeat import ClientHeartbeat


class Watched:
    """What a heartbeat sees of its session."""

    def __init__(self) -> None:
        self.paused = False
        self.sent: list[str] = []
        self.is_over = False

    def dispatch(self, packet: str) -> None:
        """Note what is sent."""
        self.sent.append(packet)

    def over(self, error: Exception | None = None, ending: object = None) -> None:
        """Note the end."""
        self.is_over = True


def beating(clock: ManualClock, *, pings: bool) -> tuple[Watched, ClientHeartbeat]:
    session = Watched()
    heartbeat = ClientHeartbeat(session, pings=pings, interval=25, timeout=20, clock=clock)  # type: ignore[arg-type]
    heartbeat.start()
    return session, heartbeat


def test_a_client_of_revision_3_pings_at_every_interval() -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, pings=True)
    for count in range(1, 5):
        clock.advance(25)
        heartbeat.seen()
        assert session.sent == ["2"] * count


def test_a_late_pong_does_not_put_the_next_ping_off() -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, pings=True)
    clock.advance(25)
    clock.advance(19)
    heartbeat.seen()
    clock.advance(6)
    assert session.sent == ["2", "2"]
    assert not session.is_over


@pytest.mark.parametrize(("pings", "silence"), [(True, 45), (False, 45)])
def test_a_silent_server_is_given_up(pings: bool, silence: float) -> None:
    clock = ManualClock()
    session, _ = beating(clock, pings=pings)
    for _ in range(silence - 1):
        clock.advance(1)
    assert not session.is_over
    clock.advance(1)
    assert session.is_over


@pytest.mark.parametrize("pings", [True, False])
def test_silence_means_nothing_while_the_client_does_not_read(pings: bool) -> None:
    clock = ManualClock()
    session, _ = beating(clock, pings=pings)
    session.paused = True
    for _ in range(300):
        clock.advance(1)
    assert not session.is_over
    assert session.sent == (["2"] * 12 if pings else [])


def test_a_server_that_pings_is_kept_and_given_up_when_it_stops() -> None:
    clock = ManualClock()
    session, heartbeat = beating(clock, pings=False)
    for _ in range(4):
        clock.advance(40)
        heartbeat.seen()
        heartbeat.pinged()
    assert not session.is_over
    clock.advance(45)
    assert session.is_over


def test_a_server_that_answers_no_ping_is_given_up_although_more_of_them_are_due() -> None:
    clock = ManualClock()
    session = Watched()
    heartbeat = ClientHeartbeat(session, pings=True, interval=10, timeout=20, clock=clock)  # type: ignore[arg-type]
    heartbeat.start()
    clock.advance(10)
    clock.advance(10)
    assert not session.is_over
    clock.advance(10)
    assert session.is_over
    assert session.sent == ["2", "2"]
