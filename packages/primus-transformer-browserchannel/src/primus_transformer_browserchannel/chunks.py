"""What a server sends: numbered arrays, in chunks that say how long they are (pure).

A chunk is a length in UTF-16 units, a line end, and so much JSON: ``[[id,data],...]`` with a line
end of its own, which is counted. ``data`` is a message, as a string, or an array that begins with
what it is about: ``["c",sid,hostPrefix,8]`` opens a session, ``["noop"]`` shows that the server is
there, ``["stop"]`` ends the session.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Final

from primus.errors import ProtocolError
from primus.polling import Utf16, units

__all__ = [
    "NOOP",
    "STOP",
    "VERSION",
    "Array",
    "ChunkReader",
    "array_chunk",
    "chunk",
    "opening",
    "parse_arrays",
    "quote",
]

VERSION: Final = 8
"""The version of the protocol."""

NOOP: Final = '["noop"]'
STOP: Final = '["stop"]'

UNSAFE: Final = re.compile("[\u2028\u2029\ud800-\udfff]")
"""What ends a line in old JavaScript, and what UTF-8 cannot carry."""

LENGTH: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
ARRAY: Final = re.compile(r"\s*\[\s*([0-9]{1,15})\s*,\s*", re.ASCII)
END: Final = re.compile(r"\s*\]\s*(,|\]\s*)", re.ASCII)
START: Final = re.compile(r"\s*\[", re.ASCII)
EMPTY: Final = re.compile(r"\s*\[\s*\]\s*", re.ASCII)

CONTROL: Final = 4096
"""Characters of an array that is no message, at most."""

DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Array:
    """A numbered array: a message, or what a control array says, its name first."""

    id: int
    data: str | list[object]


def quote(frame: str | bytes) -> str:
    """A message as a JSON string that every browser reads."""
    text = frame if isinstance(frame, str) else frame.decode(errors="replace")
    quoted = encode_basestring(text)
    return quoted if quoted.isascii() else UNSAFE.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def opening(sid: str) -> str:
    """The array that opens a session; there is no host prefix."""
    return f'["c",{json.dumps(sid)},null,{VERSION}]'


def chunk(text: str) -> str:
    """`text`, with its length in front."""
    return f"{units(text)}\n{text}"


def array_chunk(first: int, arrays: Iterable[str]) -> str:
    """Arrays as one chunk.

    Args:
        first: the id of the first one.
        arrays: as JSON.
    """
    numbered = (f"[{id},{data}]" for id, data in enumerate(arrays, first))
    return chunk(f"[{','.join(numbered)}]\n")


class ChunkReader:
    """Takes chunks out of a stream of bytes.

    Args:
        limit: the longest chunk, in UTF-16 units.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._pieces: list[str] = []
        self._units = 0
        self._wanted: int | None = None

    @property
    def is_between(self) -> bool:
        """Whether no chunk has begun that is not complete."""
        return self._wanted is None and not self._units and not self._decoder.getstate()[0]

    def read(self, data: bytes) -> list[str]:
        """The chunks that `data` completes.

        Raises:
            ProtocolError: there is something else, or a chunk that is too long.
        """
        try:
            piece = self._decoder.decode(data)
        except UnicodeDecodeError as error:
            raise ProtocolError(f"a chunk that is not UTF-8: {error}") from error
        self._pieces.append(piece)
        self._units += units(piece)
        if self._wanted is not None and self._units < self._wanted:
            return []
        return self._split("".join(self._pieces))

    def _split(self, text: str) -> list[str]:
        chunks: list[str] = []
        at = 0
        while True:
            if self._wanted is None:
                at = self._length(text, at)
            if self._wanted is None or self._units < self._wanted:
                break
            found = Utf16(text[at : at + self._wanted]).cut(0, self._wanted)
            if "\ud800" <= found[-1:] <= "\udbff":
                raise ProtocolError("a chunk ends in the middle of a character")
            at += len(found)
            self._units -= self._wanted
            self._wanted = None
            chunks.append(found)
        self._pieces = [text[at:]]
        return chunks

    def _length(self, text: str, at: int) -> int:
        """Read the length of the next chunk, if it is there; where the text goes on."""
        end = text.find("\n", at)
        length = text[at : at + 11] if end < 0 else text[at:end]
        if length and LENGTH.fullmatch(length) is None:
            raise ProtocolError(f"not the length of a chunk: {length[:20]!r}")
        if end < 0:
            return at
        if not length or int(length) > self._limit:
            raise ProtocolError(f"a chunk of {length or 'no'} units, of which {self._limit} may be")
        self._wanted = int(length)
        self._units -= len(length) + 1
        return end + 1


def parse_arrays(text: str, at_most: int) -> list[Array]:
    """The arrays of a chunk.

    They are taken one by one, so that `at_most` bounds what they can make us build.

    Raises:
        ProtocolError: it is something else, or has more than `at_most` arrays.
    """
    arrays: list[Array] = []
    start = START.match(text)
    if start is None:
        raise ProtocolError(f"not a chunk of arrays: {text[:50]!r}")
    at = start.end()
    if EMPTY.fullmatch(text):
        return arrays
    while True:
        if len(arrays) >= at_most:
            raise ProtocolError(f"more than {at_most} arrays at once")
        array, at = _array(text, at)
        arrays.append(array)
        end = END.match(text, at)
        if end is None:
            raise ProtocolError(f"not a chunk of arrays: {text[at : at + 50]!r}")
        at = end.end()
        if end[1] != ",":
            break
    if at != len(text):
        raise ProtocolError(f"something follows the arrays of a chunk: {text[at : at + 50]!r}")
    return arrays


def _array(text: str, at: int) -> tuple[Array, int]:
    head = ARRAY.match(text, at)
    if head is None:
        raise ProtocolError(f"not a numbered array: {text[at : at + 50]!r}")
    at = head.end()
    try:
        if text[at : at + 1] == '"':
            data, end = DECODER.raw_decode(text, at)
        else:
            data, end = DECODER.raw_decode(text[at : at + CONTROL])
            end += at
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"broken JSON in a chunk: {error}") from error
    if not isinstance(data, str) and not (isinstance(data, list) and data):
        raise ProtocolError(f"neither a message nor a control array: {text[at : at + 50]!r}")
    return Array(int(head[1]), data), end
