"""What a client answers to the packets of its server."""

from typing import Any

from primus_testing import MemoryTransport
from primus_transformer_socketio.client.session import ClientSession
from primus_transformer_socketio.client.websocket import WebSocketSession


class Talking(ClientSession):
    """A session whose packets wait in its queue."""

    def wake(self) -> None:
        """Nothing takes them yet."""

    def dispatch(self, packet: str) -> None:
        """Put it into the queue."""
        self.put(packet)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""

    def left(self) -> None:
        """The server has ended it."""

    def over(self, error: Exception | None = None, ending: Any = None) -> None:
        """The end."""


def test_acknowledgements_that_the_server_does_not_read_are_not_made() -> None:
    session = Talking(1000, None)
    session.limit(0)
    for number in range(1, 100):
        session.received(f"3:{number}::hello")
    assert session.take() == ["6:::1"]
    session.received("3:100::hello")
    assert session.take() == ["6:::100"]


async def test_of_the_heartbeats_that_the_server_does_not_read_one_answer_waits() -> None:
    session, wire = WebSocketSession(1000, None), MemoryTransport()
    session.attach(wire)
    session.feed("1::")
    session.congested(True)
    for _ in range(3):
        session.feed("2::")
    assert wire.sent == []
    session.congested(False)
    assert wire.sent == ["2::"]
