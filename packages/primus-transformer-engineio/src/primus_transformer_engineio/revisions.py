"""How packets are written: what the revisions of Engine.IO have in common (pure)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from primus.errors import ProtocolError
from primus.websocket import utf8
from primus_transformer_engineio.packets import Packet

__all__ = ["OCTETS", "TEXT", "Revision"]

TEXT: Final = "text/plain; charset=UTF-8"
OCTETS: Final = "application/octet-stream"


class Revision(ABC):
    """One revision, as one session speaks it."""

    __slots__ = ()

    number: ClassVar[int]
    name: ClassVar[str]
    """The number, as a URL has it."""

    @abstractmethod
    def text(self, packets: Iterable[Packet]) -> str:
        """The payload of an answer or a post, as text."""

    def payload(self, packets: list[Packet], *, binary: bool) -> tuple[bytes, str]:
        """The payload of an answer or a post.

        Args:
            packets: what it holds.
            binary: whether the peer takes bytes.

        Returns:
            The payload and its content type.
        """
        return utf8(self.text(packets)), TEXT

    @abstractmethod
    def packets(self, payload: str) -> Iterator[Packet]:
        """The packets in a payload, one after the other.

        Raises:
            ProtocolError: when it comes to what is no packet.
        """

    def decoded(self, body: bytes, content_type: str) -> Iterator[Packet]:
        """The packets in the body of an answer or a post.

        Raises:
            ProtocolError: when it comes to what is no packet.
        """
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError(f"a payload is no UTF-8: {error}") from None
        yield from self.packets(text)

    @abstractmethod
    def frame(self, packet: Packet, *, binary: bool) -> str | bytes:
        """A packet as one WebSocket message; `binary` says whether the peer takes bytes."""

    @abstractmethod
    def packet(self, frame: str | bytes) -> Packet:
        """The packet in a WebSocket message.

        Raises:
            ProtocolError: there is none.
        """
