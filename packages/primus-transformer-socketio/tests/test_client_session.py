"""What a client answers to the packets of its server."""

from typing import Any

import pytest

from primus.errors import LimitError
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


class Ear:
    """What a session tells its connection."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        self.frames.append(frame)


@pytest.mark.parametrize("text", ["😀😀", "éééé", "12345678"])
@pytest.mark.parametrize("form", ["3:::{}", "3:7::{}"])
def test_a_message_is_limited_in_bytes_however_it_is_written(text: str, form: str) -> None:
    session = Talking(8, None)
    session.connection = ear = Ear()  # type: ignore[assignment]
    session.received(form.format(text))
    assert ear.frames == [text]
    with pytest.raises(LimitError, match="more than 8 bytes"):
        session.received(form.format(text + text[0]))
    assert ear.frames == [text]


def test_packets_of_other_endpoints_are_neither_brought_nor_acknowledged() -> None:
    session = Talking(1000, None)
    session.connection = ear = Ear()  # type: ignore[assignment]
    session.received("3:1:/other:hello")
    session.received("2::/other")
    assert ear.frames == []
    assert session.take() == []


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
