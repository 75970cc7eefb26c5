"""Revision 3 of Engine.IO, which Primus 4 to 7 speaks (pure).

There are two dialects of its text payloads. Those of Primus up to 6.0.8 (engine.io-parser 1)
encode every text as UTF-8 and send each byte of that as a character, later ones send the text
itself, and no URL tells which. Both agree on ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from primus.errors import ProtocolError
from primus.polling import Utf16, units
from primus.websocket import utf8
from primus_transformer_engineio.packets import (
    MESSAGE,
    Packet,
    checked,
    from_base64,
    to_base64,
)
from primus_transformer_engineio.revisions import OCTETS, Revision

__all__ = ["Revision3", "escaped"]

FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")
LONGEST_LENGTH: Final = 10
"""Digits of a length, and in a text payload the colon with them: more would be above any limit."""

TYPE_BYTE: Final = bytes((int(MESSAGE),))


class Revision3(Revision):
    """Each packet stands behind its length in UTF-16 units; bytes are base64 after ``b4``.

    A payload with bytes in it may also be all bytes, for clients that have not asked for
    base64: each packet behind a 0 (text) or 1 (bytes), the digits of its length as bytes, and 255.

    Args:
        json: whether the messages are JSON, so that they can be written in ASCII, on which both
            dialects agree. Other texts are sent in the dialect that the peer has shown, and in
            the newer one until then.
    """

    __slots__ = ("_doubles", "_json")

    number = 3
    name = "3"

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._doubles: bool | None = None

    def text(self, packets: Iterable[Packet]) -> str:
        """The payload as text."""
        return "".join(self._measured(packet) for packet in packets)

    def payload(self, packets: list[Packet], *, binary: bool) -> tuple[bytes, str]:
        """The payload, which is binary when it holds bytes and the peer takes them."""
        if binary and any(isinstance(packet, bytes) for packet in packets):
            return b"".join(_octets(packet) for packet in packets), OCTETS
        return super().payload(packets, binary=binary)

    def packets(self, payload: str) -> Iterator[Packet]:
        """The packets in a text payload, cut off as far as they are asked for."""
        for piece in _pieces(payload):
            yield self.packet(piece if piece.isascii() else self._understood(piece))

    def decoded(self, body: bytes, content_type: str) -> Iterator[Packet]:
        """The packets in a body, which is binary if its type says so."""
        if content_type.partition(";")[0].strip().lower() == OCTETS:
            return _octet_packets(body)
        return super().decoded(body, content_type)

    def frame(self, packet: Packet, *, binary: bool) -> str | bytes:
        """A text as it is; bytes behind their type, or as in a payload."""
        if isinstance(packet, str):
            return packet
        return TYPE_BYTE + packet if binary else "b" + MESSAGE + to_base64(packet)

    def packet(self, frame: str | bytes) -> Packet:
        """The packet in a WebSocket message, or in a piece of a payload."""
        if isinstance(frame, bytes):
            if not frame.startswith(TYPE_BYTE):
                raise ProtocolError(f"no binary message: {frame[:20]!r}")
            return frame[1:]
        if not frame.startswith("b"):
            return checked(frame)
        if not frame.startswith("b" + MESSAGE):
            raise ProtocolError(f"no binary message: {frame[:20]!r}")
        return from_base64(frame[2:])

    def _measured(self, packet: Packet) -> str:
        if isinstance(packet, bytes):
            text = "b" + MESSAGE + to_base64(packet)
        else:
            text = packet if packet.isascii() else self._foreign(packet)
        return f"{units(text)}:{text}"

    def _foreign(self, packet: str) -> str:
        """A text that is not ASCII, so that the peer understands it."""
        if self._json:
            return escaped(packet)
        return utf8(packet).decode("latin-1") if self._doubles else packet

    def _understood(self, packet: str) -> str:
        """A text that is not ASCII, read in the dialect of the peer.

        What is valid UTF-8 after all its characters have become bytes is hardly a text that was
        meant so, unless the peer has shown before that it speaks the newer dialect.
        """
        if self._doubles is False:
            return packet
        try:
            text = packet.encode("latin-1").decode("utf-8", "surrogatepass")
        except UnicodeError:
            self._doubles = False
            return packet
        self._doubles = True
        return text


def escaped(text: str) -> str:
    """JSON text in ASCII: a character that is not stands in a string, and can be escaped."""
    return FOREIGN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _pieces(payload: str) -> Iterator[str]:
    """The texts behind their lengths."""
    text = Utf16(payload)
    at = 0
    while at < text.length:
        length, colon, _ = text.cut(at, at + LONGEST_LENGTH).partition(":")
        start = at + len(length) + 1
        if not colon or not length.isascii() or not length.isdigit():
            raise ProtocolError(f"no length in a payload: {length!r}")
        at = start + int(length)
        if at > text.length:
            raise ProtocolError(f"a packet of {length} characters is cut off")
        yield text.cut(start, at)


def _octets(packet: Packet) -> bytes:
    content = utf8(packet) if isinstance(packet, str) else TYPE_BYTE + packet
    length = bytes(map(int, str(len(content))))
    return bytes((isinstance(packet, bytes),)) + length + b"\xff" + content


def _octet_packets(body: bytes) -> Iterator[Packet]:
    at = 0
    while at < len(body):
        mark = body.find(b"\xff", at, at + LONGEST_LENGTH + 2)
        digits = body[at + 1 : mark]
        if mark < 0 or body[at] > 1 or not digits or max(digits) > 9:
            raise ProtocolError("no length in a binary payload")
        stop = mark + 1 + int("".join(map(str, digits)))
        content = body[mark + 1 : stop]
        if stop > len(body) or not content:
            raise ProtocolError("a packet of a binary payload is cut off")
        yield _octet_packet(content, text=body[at] == 0)
        at = stop


def _octet_packet(content: bytes, *, text: bool) -> Packet:
    if text:
        try:
            return checked(content.decode())
        except UnicodeDecodeError as error:
            raise ProtocolError(f"a packet is no UTF-8: {error}") from None
    if not content.startswith(TYPE_BYTE):
        raise ProtocolError(f"no binary message: {content[:20]!r}")
    return content[1:]
