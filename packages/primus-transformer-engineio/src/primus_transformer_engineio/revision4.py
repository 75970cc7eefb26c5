"""Revision 4 of Engine.IO, which Primus 8 speaks (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from primus_transformer_engineio.packets import Packet, checked, from_base64, to_base64
from primus_transformer_engineio.revisions import Revision

__all__ = ["Revision4"]

SEPARATOR: Final = "\x1e"


class Revision4(Revision):
    """Packets stand between record separators; bytes are base64 after a ``b``."""

    __slots__ = ()

    number = 4
    name = "4"

    def text(self, packets: Iterable[Packet]) -> str:
        """The payload."""
        return SEPARATOR.join(
            packet if isinstance(packet, str) else "b" + to_base64(packet) for packet in packets
        )

    def packets(self, payload: str) -> Iterator[Packet]:
        """The packets in a payload, split as far as they are asked for."""
        start = 0
        while True:
            end = payload.find(SEPARATOR, start)
            yield self.packet(payload[start:] if end < 0 else payload[start:end])
            if end < 0:
                return
            start = end + 1

    def frame(self, packet: Packet, *, binary: bool) -> str | bytes:
        """A text as it is; bytes as they are, or as in a payload."""
        if isinstance(packet, str) or binary:
            return packet
        return "b" + to_base64(packet)

    def packet(self, frame: str | bytes) -> Packet:
        """The packet in a WebSocket message, or in a piece of a payload."""
        if isinstance(frame, bytes):
            return frame
        return from_base64(frame[1:]) if frame.startswith("b") else checked(frame)
