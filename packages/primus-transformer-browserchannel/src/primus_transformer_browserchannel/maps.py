"""What a client posts: numbered maps, of which each one can be a message (pure).

A form has ``count``, ``ofs``, the id of its first map, and a field ``req<index>_<key>`` for each
key of each map. The key ``_S`` is a message as it is, ``JSON`` one that is JSON. A body of JSON,
``{"ofs":0,"data":["..."]}``, has messages only.
"""

from __future__ import annotations

import re
import string
from binascii import a2b_qp
from collections.abc import Sequence
from dataclasses import dataclass
from json import JSONDecoder
from typing import Final
from urllib.parse import unquote

from primus.errors import LimitError, ProtocolError
from primus.polling import parse_strings
from primus.websocket import utf8

__all__ = ["EMPTY", "Maps", "form", "parse_form", "parse_json", "quoted", "unquoted"]

MAP_KEY: Final = re.compile(r"req([0-9]{1,9})_(.+)", re.ASCII | re.DOTALL)
COUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
OFFSET: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
SINGLE: Final = re.compile(r"count=1&ofs=([0-9]{1,15})&req0__S=", re.ASCII)
"""How most posts begin: with one message."""

UNRESERVED: Final = (string.ascii_letters + string.digits + "_.-~").encode()
PERCENT: Final = ord("%")

KEYS: Final = 4
"""Fields of a form for each map that there may be, at most."""

OPTION: Final = 'transport["max_maps"]'
"""What bounds the maps of a post."""

MESSAGE: Final = "_S"
JSON: Final = "JSON"

OFS: Final = re.compile(r'\s*"ofs"\s*:\s*([0-9]{1,15})\s*', re.ASCII)
DATA: Final = re.compile(r'\s*"data"\s*:\s*', re.ASCII)
OPEN: Final = re.compile(r"\s*\{", re.ASCII)
COMMA: Final = re.compile(r"\s*,", re.ASCII)
CLOSE: Final = re.compile(r"\s*\}\s*", re.ASCII)

WRONG_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[\r\n]")

DECODER: Final = JSONDecoder()


@dataclass(frozen=True, slots=True)
class Maps:
    """The maps of one post: the id of the first, and the message in each, or `None`."""

    offset: int
    messages: Sequence[str | None]


EMPTY: Final = Maps(0, ())


def parse_form(body: bytes, at_most: int) -> Maps:
    """The maps of a form.

    Raises:
        ProtocolError: it is none, or has more than `at_most` maps.
    """
    if body.count(b"&") > KEYS * at_most + 2:
        raise LimitError("a form of too many fields", OPTION)
    try:
        text = body.decode().replace("+", " ")
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a form that is not UTF-8: {error}") from error
    single = SINGLE.match(text)
    if single is not None and text.find("&", single.end()) < 0:
        return Maps(int(single[1]), [unquoted(text[single.end() :])])
    numbers: dict[str, str] = {}
    texts: list[tuple[str, str]] = []
    for field in text.split("&"):
        name, _, value = field.partition("=")
        if name[:3] == "req":
            texts.append((name, value))
        else:
            numbers[name] = value
    count = _number(COUNT, "count", numbers)
    if count == 0:
        return EMPTY
    if count > at_most:
        raise LimitError(f"{count} maps at once, more than {at_most}", OPTION)
    messages: list[str | None] = [None] * count
    for name, value in texts:
        key = MAP_KEY.fullmatch(name)
        if key is not None and int(key[1]) < count and key[2] in (MESSAGE, JSON):
            text = unquoted(value)
            messages[int(key[1])] = text if key[2] == MESSAGE else _of_json(text)
    return Maps(_number(OFFSET, "ofs", numbers), messages)


def _number(form: re.Pattern[str], name: str, numbers: dict[str, str]) -> int:
    value = numbers.get(name, "")
    if form.fullmatch(value) is None:
        raise ProtocolError(f"{name}={value[:20]!r} of a form is no number")
    return int(value)


def _of_json(text: str) -> str:
    """The message in a map of JSON: what a string says, and anything else as it stands."""
    if not text.startswith('"'):
        return text
    try:
        message, end = DECODER.raw_decode(text)
    except ValueError as error:
        raise ProtocolError(f"broken JSON in a map: {error}") from error
    if end != len(text):
        raise ProtocolError("something follows the JSON of a map")
    return str(message)


def parse_json(body: bytes, at_most: int) -> Maps:
    """The messages of a body of JSON.

    Raises:
        ProtocolError: it is none, or has more than `at_most` messages.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a body that is not UTF-8: {error}") from error
    offset, messages = 0, None
    at = _expect(OPEN, text, 0).end()
    while True:
        number = OFS.match(text, at)
        if number is not None:
            offset, at = int(number[1]), number.end()
        else:
            messages, at = parse_strings(text, _expect(DATA, text, at).end(), at_most, OPTION)
        comma = COMMA.match(text, at)
        if comma is None:
            break
        at = comma.end()
    if messages is None or _expect(CLOSE, text, at).end() != len(text):
        raise ProtocolError("a body of JSON has no data, or more than that")
    return Maps(offset, messages)


def _expect(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    match = pattern.match(text, at)
    if match is None:
        raise ProtocolError(f"not a body of maps, at character {at}")
    return match


def form(offset: int, messages: Sequence[str]) -> bytes:
    """Messages as the form that a client posts.

    Args:
        offset: the id of the first map.
        messages: one for each map.
    """
    if not messages:
        return b"count=0"
    fields = [b"count=%d" % len(messages), b"ofs=%d" % offset]
    for index, message in enumerate(messages):
        fields.append(b"req%d__S=%s" % (index, quoted(utf8(message))))
    return b"&".join(fields)


def quoted(data: bytes) -> bytes:
    """As `urllib.parse.quote`, which looks at each byte; here a kind is replaced at once."""
    kinds = {*data.translate(None, UNRESERVED)}
    for kind in sorted(kinds, key=PERCENT.__ne__):  # that sign first, which stands for the others
        data = data.replace(b"%c" % kind, b"%%%02X" % kind)
    return data


def unquoted(text: str) -> str:
    """As `urllib.parse.unquote`, which takes its time for texts of JSON, where escapes are many."""
    if "%" not in text:
        return text
    if not text.isascii() or WRONG_ESCAPE.search(text) is not None:
        return unquote(text)
    # Quoted-printable has another sign in front of the same two digits, and is read in C.
    return a2b_qp(text.replace("=", "=3D").replace("%", "=")).decode(errors="replace")
