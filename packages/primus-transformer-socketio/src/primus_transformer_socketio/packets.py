"""Packets of Socket.IO 0.9, and the payloads that hold several (pure).

A packet is ``type:id:endpoint:data``, of which all but the type may be empty. Messages of Primus
have the type 3, no id, and the endpoint that is called ''.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from primus.errors import ProtocolError
from primus.polling import Utf16, units

__all__ = [
    "ACK",
    "CONNECT",
    "CONNECTED",
    "DISCONNECT",
    "DISCONNECTED",
    "ERROR",
    "EVENT",
    "HEARTBEAT",
    "MARK",
    "MESSAGE",
    "NOOP",
    "NOT_HANDSHAKEN",
    "PING",
    "Packet",
    "acknowledgement",
    "as_text",
    "message",
    "packet",
    "packets",
    "payload",
    "text_of",
]

DISCONNECT: Final = "0"
CONNECT: Final = "1"
HEARTBEAT: Final = "2"
MESSAGE: Final = "3"
JSON: Final = "4"
EVENT: Final = "5"
ACK: Final = "6"
ERROR: Final = "7"

BARE_MESSAGE: Final = "3:::"
"""What stands before a message that has neither id nor endpoint."""

DISCONNECTED: Final = "0::"
CONNECTED: Final = "1::"
PING: Final = "2::"
NOOP: Final = "8::"

NOT_HANDSHAKEN: Final = "7:::1+0"
"""The client is not known, reason 1, and should begin anew, advice 0."""

ACKNOWLEDGED: Final = frozenset({MESSAGE, JSON, EVENT})
"""What a client may give an id, so that its arrival is acknowledged."""

PACKET: Final = re.compile(r"([0-8]):([0-9]{0,16})(\+?):([^:]{0,1024}):?(.*)", re.DOTALL)

MARK: Final = "\ufffd"
"""Stands before and behind the length of each packet of a payload that has several."""

LENGTH_DIGITS: Final = 10
"""More would be more than any limit."""


class Packet(NamedTuple):
    """A packet; ``id`` asks for an acknowledgement by the protocol itself."""

    kind: str
    id: str
    endpoint: str
    data: str


def as_text(frame: str | bytes) -> str:
    """`frame` as the text that it is to be."""
    return frame if isinstance(frame, str) else frame.decode(errors="replace")


def message(frame: str | bytes) -> str:
    """The packet that carries a frame of a connection."""
    return BARE_MESSAGE + as_text(frame)


def text_of(text: str) -> str | None:
    """The message in a packet that is nothing else, as nearly all are; else `None`."""
    return text[4:] if text.startswith(BARE_MESSAGE) else None


def packet(text: str) -> Packet:
    """The packet in a text.

    Raises:
        ProtocolError: it is none.
    """
    match = PACKET.fullmatch(text)
    if match is None:
        raise ProtocolError(f"no packet of Socket.IO: {text[:20]!r}")
    kind, id, by_user, endpoint, data = match.groups()
    asks = kind in ACKNOWLEDGED and not by_user  # an application would acknowledge the others
    return Packet(kind, id if asks else "", endpoint, data)


def acknowledgement(id: str) -> str:
    """The packet that says that another one has arrived."""
    return f"{ACK}:::{id}"


def payload(packets: Sequence[str]) -> str:
    """Packets as one text: one as it stands, several behind their lengths in UTF-16 units."""
    if len(packets) == 1:
        return packets[0]
    return "".join([f"{MARK}{units(each)}{MARK}{each}" for each in packets])


def packets(text: str) -> Iterator[str]:
    """The packets in a text that `payload` has made, cut off as far as they are asked for.

    Raises:
        ProtocolError: a length is missing, or lies.
    """
    if not text.startswith(MARK):
        yield text
        return
    cut = Utf16(text)
    at = 0
    while at < cut.length:
        length, mark, _ = cut.cut(at + 1, at + LENGTH_DIGITS + 2).partition(MARK)
        if cut.cut(at, at + 1) != MARK or not mark or not (length.isascii() and length.isdigit()):
            raise ProtocolError(f"no length in a payload: {length!r}")
        start = at + len(length) + 2
        at = start + int(length)
        if at > cut.length:
            raise ProtocolError(f"a packet of {length} characters is cut off")
        yield cut.cut(start, at)
