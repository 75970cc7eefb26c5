"""What both ends of a session are: packets that are polled, until a WebSocket is in charge."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

from primus.errors import LimitError, ProtocolError
from primus.heartbeat import Generation
from primus.polling import MAX_LENGTH, UpgradableTransport, WebSocketReceiver
from primus.transformer import Transport
from primus_transformer_engineio.packets import CLOSE, MESSAGE, Packet, of_message
from primus_transformer_engineio.revisions import Revision

__all__ = ["EngineIOTransport", "SessionReceiver", "longest_frame"]


MESSAGE_BYTE: Final = MESSAGE.encode()

WIDEST: Final = 4
"""Bytes of a character, at most."""


def longest_frame(max_length: int) -> int:
    """The longest WebSocket message that can hold a message of `max_length` bytes, as base64."""
    return 4 * (max_length // 3 + 1) + 2


class EngineIOTransport(UpgradableTransport):
    """One end of a session. A subclass fetches what is queued, and acts on control packets.

    Args:
        revision: what the session speaks.
        binary: whether the peer takes bytes, or wants them as base64.
        max_length: the largest message taken, in bytes.
    """

    __slots__ = ("binary", "closing", "max_length", "revision")

    def __init__(self, revision: Revision, *, binary: bool, max_length: int) -> None:
        super().__init__()
        self.revision = revision
        self.binary = binary
        self.max_length = max_length
        self.closing = False
        """Whether nothing is sent any more but what is queued."""

    @property
    def generation(self) -> Generation:
        """The heartbeat's generation: a client that speaks revision 4 is Primus 8."""
        return Generation.MODERN if self.revision.number == 4 else Generation.UNKNOWN

    @property
    def upgraded(self) -> bool:
        """Whether a WebSocket is in charge."""
        return self._wire is not None

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Send one message."""
        if not self.closing:
            self.dispatch(of_message(frame))

    def send_text(self, text: bytes) -> None:
        """Send one text message that is there as UTF-8."""
        if self.closing:
            return
        if self._wire is None:
            self.put(MESSAGE + text.decode())
        else:
            self._wire.send_text(MESSAGE_BYTE + text)  # both revisions frame a text so

    @classmethod
    def prepare(cls, frame: str | bytes) -> Any:
        """The message as a packet, which each kind of WebSocket makes ready once."""
        return _Prepared(of_message(frame))

    def send_prepared(self, prepared: _Prepared) -> None:
        """Send what `prepare` has made."""
        if self.closing:
            return
        if self._wire is None:
            self.put(prepared.packet)
        else:
            prepared.send(self._wire, self.revision, binary=self.binary)

    def dispatch(self, packet: Packet) -> None:
        """Send one packet, behind all that was sent before."""
        if self._wire is None:
            self.put(packet)
        else:
            self._wire.send(self.revision.frame(packet, binary=self.binary))

    def answer(self, packet: Packet) -> None:
        """Send the answer to a ping; of those that the peer does not read only the newest waits."""
        if self._wire is None:
            super().answer(packet)
        elif self._wire_congested:
            self._answer = packet
        else:
            self._wire.send(self.revision.frame(packet, binary=self.binary))

    def wire_congested(self, congested: bool) -> None:
        """Report that the WebSocket holds too much that is unsent, or no longer does."""
        super().wire_congested(congested)
        if self._wire is not None and not self._wire_congested:
            for packet in self.take():
                self._wire.send(self.revision.frame(packet, binary=self.binary))

    def take_over(self, wire: Transport, *, binary: bool) -> None:
        """Use a WebSocket from now on; what is queued goes first.

        Args:
            wire: the WebSocket.
            binary: whether the peer takes bytes over it.
        """
        self.binary = binary
        wire.connection = SessionReceiver(self)
        if self._high_water is not None:
            wire.limit(self._high_water)
        if self.paused:
            wire.pause_reading()
        self._wire = wire
        for packet in self._taken():
            if packet != CLOSE:  # a WebSocket has a close of its own
                wire.send(self.revision.frame(packet, binary=self.binary))
        self._relieved()  # what is written now follows
        if self.closing:
            wire.close()

    # -- in

    def live(self) -> None:
        """Note a packet of the peer, which is a sign of life."""

    def received(self, packet: Packet) -> None:
        """Act on a packet.

        Raises:
            ProtocolError: the peer should not have sent it.
        """
        if isinstance(packet, bytes):
            self._deliver(packet, len(packet))
        elif packet[0] == MESSAGE:
            frame = packet[1:]
            self._deliver(frame, len(frame) if frame.isascii() else len(frame.encode()))
        else:
            self.control(packet[0], packet[1:])

    def _deliver(self, frame: str | bytes, size: int) -> None:
        if size > self.max_length:
            text = f"a message has {size} bytes, more than {self.max_length}"
            raise LimitError(text, MAX_LENGTH)
        if self.connection is not None:
            self.connection.feed(frame)

    @abstractmethod
    def control(self, kind: str, data: str) -> None:
        """Act on a packet that is no message.

        Raises:
            ProtocolError: the peer should not have sent it.
        """


class SessionReceiver(WebSocketReceiver):
    """Receives for a session what its WebSocket brings."""

    __slots__ = ()

    _session: EngineIOTransport

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one WebSocket message."""
        session = self._session
        if (
            type(frame) is str
            and frame[:1] == MESSAGE
            and len(frame) * WIDEST <= session.max_length
        ):
            session.live()
            if session.connection is not None:
                session.connection.feed(frame[1:], last)
            return
        try:
            session.received(session.revision.packet(frame))
        except ProtocolError as error:
            session.over(error)


class _Prepared:
    """A packet for many sessions, made ready once for each kind of WebSocket among them."""

    __slots__ = ("_ready", "packet")

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self._ready: dict[tuple[type[Transport], int, bool], Any] = {}

    def send(self, wire: Transport, revision: Revision, *, binary: bool) -> None:
        """Send it over a WebSocket."""
        kind = type(wire)
        key = (kind, revision.number, binary)
        ready = self._ready.get(key)
        if ready is None:
            frame = revision.frame(self.packet, binary=binary)
            ready = self._ready[key] = kind.prepare(frame)
        wire.send_prepared(ready)
