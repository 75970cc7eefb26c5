"""How a client tells that its server is gone, on a clock that the tests move."""

from typing import Any

from primus_testing import ManualClock
from primus_transformer_socketio.client.session import ClientSession, Silence


class Listening(ClientSession):
    """A session that notes its end."""

    ending: Any = None

    def wake(self) -> None:
        """Nothing is sent."""

    def dispatch(self, packet: str) -> None:
        """Nothing is sent."""

    def send(self, frame: str | bytes) -> None:
        """Nothing is sent."""

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""

    def left(self) -> None:
        """The server has ended it."""

    def over(self, error: Exception | None = None, ending: Any = None) -> None:
        """The end."""
        self.ending = ending


def watched(timeout: float | None) -> tuple[ManualClock, Listening, Silence]:
    clock = ManualClock()
    session = Listening(1000, None)
    silence = Silence(session, timeout, clock)
    silence.start()
    return clock, session, silence


def test_a_server_that_is_silent_for_too_long_is_given_up() -> None:
    clock, session, silence = watched(60.0)
    clock.advance(50)
    silence.seen()
    clock.advance(59)
    assert session.ending is None
    clock.advance(2)
    assert session.ending.code == "heartbeat"
    assert "the server gave no sign of life for 6" in session.ending.reason
    assert clock.pending == 0


def test_the_silence_of_a_server_that_is_not_read_means_nothing() -> None:
    clock, session, _ = watched(60.0)
    session.pause_reading()
    clock.advance(1000)
    assert session.ending is None
    session.resume_reading()
    clock.advance(130)
    assert session.ending.code == "heartbeat"


def test_a_server_that_tells_no_time_has_all_of_it() -> None:
    clock, session, silence = watched(None)
    clock.advance(1e6)
    assert session.ending is None
    silence.stop()
    assert clock.pending == 0
