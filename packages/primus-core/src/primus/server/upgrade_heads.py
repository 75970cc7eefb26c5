"""Heads of upgrades as nearly all clients write them: read by two patterns, without a parser.

A parser calls back for each header, and an upgrade repeats no head that is known: its key is a new
one. What is taken here is always what `read_head` would take, and would be read as the same
(tests/test_upgrade_heads.py compares the two); all else is left to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from primus.server.heads import KNOWN, NAMES, Head

__all__ = ["HINT", "read_upgrade"]

HINT: Final = b"pgrade: websocket\r\n"
"""Stands in most heads of upgrades, and is sooner looked for than a pattern."""

PLAIN: Final = re.compile(
    rb"GET (/[\w!$%&'()*+,./:;=?@~-]*+) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]++: (?! )[ -~]++(?<! )\r\n)++)\r\n",
    re.ASCII,
)
"""A GET with headers of printable ASCII, without white space around them."""

FIELD: Final = re.compile(r"([^:]+): ([^\r]+)\r\n")

common_name: Callable[[str, str], str] = {name.decode(): same for name, same in NAMES.items()}.get
common_value: Callable[[str, str], str] = {value: value for value in KNOWN.values()}.get
"""What all connections share, where there is that; else the second argument."""

NEEDED: Final = frozenset({"host", "upgrade", "connection"})
ODD: Final = frozenset({"content-length", "transfer-encoding", "expect", "sec-websocket-key1"})
"""With one of these a head needs a closer look."""

UPGRADES: Final = frozenset({"Upgrade", "upgrade", "keep-alive, Upgrade"})
"""What clients say in ``Connection``."""


def read_upgrade(data: bytes, most_headers: int) -> tuple[str, str, Head] | None:
    """The head of a request for a WebSocket, as `read_head` gives it.

    Args:
        data: all of it, with the empty line that ends it.
        most_headers: how many headers it may have.

    Returns:
        `None` when it is written in another way, or is no such request.
    """
    match = PLAIN.fullmatch(data)
    if match is None:
        return None
    target, lines = match.groups()
    named, values = zip(*FIELD.findall(lines.decode()), strict=True)
    fields = zip(map(common_name, named, named), map(common_value, values, values), strict=True)
    headers = CIMultiDictProxy(CIMultiDict(fields))
    names = {*map(str.lower, named)}
    if (
        not len(names) == len(named) <= most_headers
        or not names >= NEEDED
        or not names.isdisjoint(ODD)
        or headers["Connection"] not in UPGRADES
        or headers["Upgrade"].lower() != "websocket"
    ):
        return None
    head = Head(headers, keep_alive=False)
    head.upgrade = True
    return "GET", target.decode(), head
