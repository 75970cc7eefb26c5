"""Sessions that are polled until a WebSocket takes over."""

import pytest

from primus.closed import Ending
from primus.errors import LimitError
from primus.polling import UpgradableTransport, WebSocketReceiver, is_too_large
from primus.transformer import Transport
from primus_testing import MemoryTransport, NotingConnection


class Session(UpgradableTransport):
    """One whose frames are its packets."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.noting = NotingConnection()

    def over_websocket(self) -> MemoryTransport:
        """Let a WebSocket take over."""
        wire = MemoryTransport()
        wire.connection = Brought(self)
        self._wire = wire
        return wire

    def wake(self) -> None:
        """There is nothing to wake."""

    def send(self, frame: str | bytes) -> None:
        if self._wire is None:
            self.put(frame)
        else:
            self._wire.send(frame)

    def close(self, code: int | None = None, reason: str = "") -> None:
        self.over()

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        self.finish(error, ending)


class Brought(WebSocketReceiver):
    """Brings what has arrived as it is."""

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        if self._session.connection is not None:
            self._session.connection.feed(frame, last)


def test_what_waits_is_counted_in_the_queue_and_on_the_websocket() -> None:
    session = Session()
    session.send("one")
    queued = session.buffered
    assert queued > 3
    wire = session.over_websocket()
    wire.clog()
    session.send("four")
    assert session.buffered == queued + 4


def test_traffic_is_what_was_polled_and_what_a_websocket_has_carried() -> None:
    session = Session()
    session.put("out")
    assert session.takes("in") is True
    assert session.traffic == (2, 3)
    wire = session.over_websocket()
    wire.taken, wire.given = 100, 1000
    assert session.traffic == (102, 1003)


def test_a_limit_is_that_of_the_queue_and_of_the_websocket() -> None:
    session = Session()
    session.limit(5)
    session.put("longer")
    session.take()
    wire = session.over_websocket()
    session.limit(5)
    wire.clog()
    session.send("longer")
    wire.unclog()
    assert session.noting.story == ["congested", "relieved"] * 2


def test_a_pause_is_one_of_posts_and_of_the_websocket() -> None:
    session = Session()
    session.pause_reading()
    assert session.paused
    session.resume_reading()
    assert not session.paused
    wire = session.over_websocket()
    session.pause_reading()
    assert session.paused
    assert wire.paused
    session.resume_reading()
    assert not session.paused
    assert not wire.paused


def test_a_websocket_brings_frames_and_signs_of_life_until_it_is_lost() -> None:
    session = Session()
    wire = session.over_websocket()
    wire.receive("one")
    wire.seen()
    wire.lose()
    wire.receive("late")
    assert session.noting.story == ["one", "lost"]
    assert session.noting.signs == 1


def test_a_session_without_a_connection_reports_nothing() -> None:
    session = Session()
    wire = session.over_websocket()
    session.connection = None
    wire.seen()
    session.wire_congested(True)
    session.finish(None)
    assert (session.noting.story, session.noting.signs) == ([], 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, None),
        (ValueError(), None),
        (LimitError("too many", "max_packets"), None),
        (LimitError("too long", "max_length"), 1009),
    ],
)
def test_the_end_closes_the_websocket_and_is_told_once(
    error: Exception | None, code: int | None
) -> None:
    session = Session()
    wire = session.over_websocket()
    session.finish(error)
    wire.lose()
    assert wire.closed == (code, "")
    assert session.noting.story == ["lost"]
    assert session.noting.error is error
    assert is_too_large(error) is (code == 1009)


@pytest.mark.parametrize("has_websocket", [False, True])
def test_a_session_is_dropped_with_its_websocket(has_websocket: bool) -> None:
    session = Session()
    wire: Transport | None = session.over_websocket() if has_websocket else None
    session.abort()
    assert session.noting.story == ["lost"]
    assert wire is None or wire.aborted  # type: ignore[attr-defined]
