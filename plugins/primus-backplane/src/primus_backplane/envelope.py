"""The envelope that messages between servers travel in (pure).

    1 <node>.<incarnation> <number> <kind> <parser> <text|binary>
    <head: JSON, or nothing>
    <frame>

Three lines, of which the last is the frame as the parser of the writer has made it: the other
servers relay it as it is. An incarnation is one life of a server: its numbers begin again with the
next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

from primus.parsers.codecs import installed_codec
from primus_backplane.errors import InvalidEnvelope

__all__ = ["Message", "Writer", "opened", "sealed"]

VERSION: Final = b"1"
HEADER: Final = 512
"""The longest first line, in bytes."""
EMPTY: Final[Mapping[str, Any]] = {}
FORMS: Final = frozenset((b"text", b"binary"))
KNOWN: Final = 256
"""How many writers, and ends of first lines, are remembered: they are the same in most messages."""
NO_PARSER: Final = "-"
"""What stands for the parser of an envelope without a frame."""

_codec = installed_codec()


class Writer(NamedTuple):
    """What wrote a message: a server, or a publisher, in one of its lives."""

    node: str
    incarnation: str

    def __str__(self) -> str:
        return f"{self.node}.{self.incarnation}"


@dataclass(slots=True)
class Message:
    """What one envelope says."""

    writer: Writer
    number: int
    """The place of the message among those of its writer on its way, from 1."""
    kind: str
    """What it is: ``all``, ``rooms``, ``sparks``, or that of another plugin."""
    head: Mapping[str, Any]
    """The address, as the kind has it."""
    parser: str
    """The name of the parser that has made the frame; ``-`` without a frame."""
    frame: str | bytes
    shard: int = 0
    position: int = 0
    """Its place on the bus, which grows within a shard; 0 for what was told to this server alone.
    """
    is_own: bool = False
    """Whether this server has written it."""


def sealed(
    writer: Writer,
    number: int,
    kind: str,
    head: Mapping[str, Any] = EMPTY,
    parser: str = NO_PARSER,
    frame: str | bytes = b"",
) -> bytes:
    """The envelope of a message.

    Raises:
        TypeError: JSON has no form for the head.
    """
    if isinstance(frame, str):
        form, body = "text", frame.encode("utf-8", "surrogatepass")
    else:
        form, body = "binary", frame
    line = f"1 {writer.node}.{writer.incarnation} {number} {kind} {_quoted(parser)} {form}\n"
    return b"%b%b\n%b" % (line.encode(), _codec.dumps(head) if head else b"", body)


def opened(envelope: bytes) -> Message:
    """The message in an envelope.

    Raises:
        InvalidEnvelope: it is none of this version.
    """
    lines = envelope.split(b"\n", 2)
    words = lines[0].split(b" ", 3)
    if len(words) != 4 or len(lines[0]) >= HEADER:
        raise InvalidEnvelope("no first line of six words")
    if len(lines) != 3:
        raise InvalidEnvelope("it ends before the frame")
    version, writer, number, rest = words
    if version != VERSION:
        raise InvalidEnvelope(f"version {version[:20]!r}; this is {VERSION!r}")
    if not number.isdigit() or len(number) >= 20:
        raise InvalidEnvelope("no number")
    _, address, frame = lines
    try:
        kind, parser, is_text = _content(rest)
        head = _codec.loads(address) if address else EMPTY
        if type(head) is not dict and head is not EMPTY:
            raise InvalidEnvelope("a head that is no object")
        body = frame.decode("utf-8", "surrogatepass") if is_text else frame
        return Message(_writer(writer), int(number), kind, head, parser, body)
    except ValueError as error:  # of UTF-8, of numbers and of JSON
        raise InvalidEnvelope(f"no text, or no JSON: {error}") from error


@lru_cache(KNOWN)
def _writer(text: bytes) -> Writer:
    node, _, incarnation = text.decode().partition(".")
    if not (node and incarnation):
        raise InvalidEnvelope("no writer")
    return Writer(node, incarnation)


@lru_cache(KNOWN)
def _quoted(parser: str) -> str:
    return quote(parser, safe="")


@lru_cache(KNOWN)
def _content(words: bytes) -> tuple[str, str, bool]:
    """The kind, the parser, and whether the frame is text, in the end of the first line."""
    parts = words.split(b" ")
    if len(parts) != 3:
        raise InvalidEnvelope("no first line of six words")
    kind, parser, form = parts
    if form not in FORMS:
        raise InvalidEnvelope(f"a frame that is {form[:20]!r}")
    return kind.decode(), unquote(parser.decode()), form == b"text"
