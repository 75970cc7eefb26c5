"""The frames of SockJS (sockjs-protocol 0.3.3), as pure functions.

A server sends ``o`` (open), ``h`` (heartbeat), ``a["one","two"]`` (messages) and
``c[1000,"Normal closure"]`` (close). A client sends JSON arrays of messages, without a letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.encoder import encode_basestring
from typing import Final

from primus.errors import LimitError, ProtocolError
from primus.polling import parse_strings, skip_blank
from primus.websocket import utf8

__all__ = [
    "HEARTBEAT",
    "OPEN",
    "Close",
    "Payload",
    "as_text",
    "check_length",
    "close_frame",
    "message_frame",
    "only_message",
    "parse_frame",
    "parse_payload",
    "payload",
    "quote",
    "quote_ascii",
    "wire_limit",
]

OPEN: Final = "o"
HEARTBEAT: Final = "h"

MANGLED: Final = re.compile(
    "[\x00-\x1f\ud800-\udfff\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\U0010ffff]"
)
"""What browsers are known to mangle, and what is no single character of JavaScript."""

STRINGS: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Close:
    """The other side has closed, and says why."""

    code: int
    reason: str


Payload = list[str]
"""The messages of one frame, or of one request."""


def quote(message: str) -> str:
    """`message` as a JSON string that survives every transport."""
    quoted = encode_basestring(message)
    return quoted if quoted.isascii() else MANGLED.sub(_escape, quoted)


def quote_ascii(message: bytes) -> bytes:
    """The same for a message of ASCII characters only, of which browsers mangle none."""
    return encode_basestring(message.decode()).encode()


def _escape(match: re.Match[str]) -> str:
    """The character as JavaScript escapes it, one for each UTF-16 code unit."""
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def message_frame(quoted: Iterable[str]) -> str:
    """The frame of messages that `quote` has made."""
    return f"a[{','.join(quoted)}]"


def payload(quoted: Iterable[str]) -> str:
    """What a client sends, from messages that `quote` has made."""
    return f"[{','.join(quoted)}]"


def close_frame(code: int, reason: str) -> str:
    """The close frame."""
    return f"c[{code},{quote(reason)}]"


def as_text(frame: str | bytes) -> str:
    """`frame` as the text that it is to be."""
    return frame if isinstance(frame, str) else frame.decode(errors="replace")


def check_length(messages: Payload, max_length: int) -> None:
    """Make sure that none of `messages` is too long.

    Raises:
        ProtocolError: one of them has more than `max_length` bytes.
    """
    for message in messages:
        if len(message) * 4 > max_length and len(utf8(message)) > max_length:
            raise LimitError(f"a message of more than {max_length} bytes", "max_length")


def wire_limit(max_length: int) -> int:
    """How long a frame may be so that a message of `max_length` bytes fits into it.

    JSON turns one byte into six at worst; the rest is room for brackets.
    """
    return 6 * max_length + 1024


def parse_payload(text: str, at_most: int) -> Payload:
    """The messages of what a client sent: an array of strings, or one string.

    Raises:
        ProtocolError: it is neither, or has more than `at_most` messages.
    """
    start = skip_blank(text, 0)
    if text[start : start + 1] == '"':
        try:
            message, end = STRINGS.raw_decode(text, start)
        except ValueError as error:
            raise ProtocolError(f"broken JSON: {error}") from error
        messages = [message]
    else:
        messages, end = parse_strings(text, start, at_most, 'transport["max_messages"]')
    if skip_blank(text, end) != len(text):
        raise ProtocolError("broken JSON: something follows the array")
    return messages


def only_message(frame: str) -> str | None:
    """The message of a frame that holds one, and no blanks; `None` when it has to be parsed."""
    try:
        message: str
        message, end = scanstring(frame, 2, True)  # the C function behind `STRINGS.raw_decode`
    except ValueError:
        return None
    return message if frame[end:] == "]" else None


def parse_frame(frame: str, at_most: int) -> str | Payload | Close | None:
    """What a server has sent: `OPEN`, messages, `Close`, or `None` for a heartbeat.

    Raises:
        ProtocolError: it is no frame of SockJS, or has more than `at_most` messages.
    """
    kind, content = frame[:1], frame[1:]
    if kind in ("a", "m"):
        return parse_payload(content, at_most)
    if kind == "c":
        return _close(content)
    if frame == OPEN:
        return OPEN
    if kind == HEARTBEAT:
        return None
    raise ProtocolError(f"not a SockJS frame: {frame[:50]!r}")


def _close(content: str) -> Close:
    try:
        code, reason = json.loads(content)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProtocolError(f"not a SockJS close frame: {content[:50]!r}") from error
    if not isinstance(code, int) or not isinstance(reason, str):
        raise ProtocolError(f"not a SockJS close frame: {content[:50]!r}")
    return Close(code, reason)
