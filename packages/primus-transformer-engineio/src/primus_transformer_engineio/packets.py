"""Packets: what Engine.IO sends, whatever the revision and the wire (pure).

A packet is a text, whose first character is its type, or `bytes`, which are a binary message.
"""

from __future__ import annotations

import binascii
from typing import Final

from primus.errors import ProtocolError

__all__ = [
    "CLOSE",
    "MESSAGE",
    "NOOP",
    "OPEN",
    "PING",
    "PONG",
    "PROBE",
    "UPGRADE",
    "Packet",
    "checked",
    "from_base64",
    "of_message",
    "to_base64",
]

Packet = str | bytes

OPEN: Final = "0"
CLOSE: Final = "1"
PING: Final = "2"
PONG: Final = "3"
MESSAGE: Final = "4"
UPGRADE: Final = "5"
NOOP: Final = "6"

PROBE: Final = "probe"
"""What the ping that tries out a WebSocket carries, and its pong."""


def of_message(frame: str | bytes) -> Packet:
    """The packet that carries a frame of a connection."""
    return MESSAGE + frame if isinstance(frame, str) else frame


def checked(packet: str) -> str:
    """`packet`, if it has a type.

    Raises:
        ProtocolError: it has none.
    """
    if not packet or packet[0] not in "0123456":
        raise ProtocolError(f"no Engine.IO packet: {packet[:20]!r}")
    return packet


def to_base64(data: bytes) -> str:
    """Bytes as text."""
    return binascii.b2a_base64(data, newline=False).decode()


def from_base64(text: str) -> bytes:
    """Bytes that came as text.

    Raises:
        ProtocolError: it is no base64.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise ProtocolError(f"no base64 in {text[:20]!r}: {error}") from None
