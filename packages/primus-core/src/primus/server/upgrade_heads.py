"""Heads of upgrades as nearly all clients write them: read in one pass, without a parser.

A parser calls back for each header, and an upgrade repeats no head that is known: its key is a new
one. What is taken here is always what `read_head` would take, and would be read as the same
(tests/test_upgrade_heads.py compares the two); all else is left to that.
"""

from __future__ import annotations

import re
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from primus.server.heads import KNOWN, NAMES, Head
from primus.websocket.speedups import UpgradeFields

__all__ = ["HINT", "read_upgrade", "upgrade_fields"]

HINT: Final = b"pgrade: websocket\r\n"
"""Stands in most heads of upgrades, and is sooner looked for than a pattern."""

PLAIN: Final = re.compile(
    rb"GET (/[\w!$%&'()*+,./:;=?@~-]*) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+: (?! )[ -~]+(?<! )\r\n)+)\r\n",
    re.ASCII,
)
"""A GET with headers of printable ASCII, without white space around them."""

FIELD: Final = re.compile(r"([^:]+): ([^\r]+)\r\n")

COMMON_NAMES: Final[dict[str, str]] = {name.decode(): same for name, same in NAMES.items()}
COMMON_VALUES: Final[dict[str, str]] = {value: value for value in KNOWN.values()}
"""What all connections share, where there is that."""

NEEDED: Final = frozenset({"host", "upgrade", "connection"})
ODD: Final = frozenset({"content-length", "transfer-encoding", "expect", "sec-websocket-key1"})
"""With one of these a head needs a closer look."""

UPGRADES: Final = frozenset({"Upgrade", "upgrade", "keep-alive, Upgrade"})
"""What clients say in ``Connection``."""

MOST: Final = 64
"""No client has more headers than so many: a compiled function compares each with all others."""


def upgrade_fields(
    data: bytes, most: int, names: dict[str, str], values: dict[str, str]
) -> tuple[str, list[tuple[str, str]]] | None:
    """Target and headers of a request for a WebSocket; `UpgradeFields` in Python."""
    match = PLAIN.fullmatch(data)
    if match is None:
        return None
    target, lines = match.groups()
    fields = FIELD.findall(lines.decode())
    said = {name.lower(): value for name, value in fields}
    if (
        not len(said) == len(fields) <= min(most, MOST)
        or not said.keys() >= NEEDED
        or not said.keys().isdisjoint(ODD)
        or said["connection"] not in UPGRADES
        or said["upgrade"].lower() != "websocket"
    ):
        return None
    common, known = names.get, values.get
    return target.decode(), [(common(name, name), known(value, value)) for name, value in fields]


def read_upgrade(
    data: bytes, most_headers: int, compiled: UpgradeFields | None = None
) -> tuple[str, str, Head] | None:
    """The head of a request for a WebSocket, as `read_head` gives it.

    Args:
        data: all of it, with the empty line that ends it.
        most_headers: how many headers it may have.
        compiled: what reads it in place of `upgrade_fields`, where that is installed.

    Returns:
        `None` when it is written in another way, or is no such request.
    """
    read = (compiled or upgrade_fields)(data, most_headers, COMMON_NAMES, COMMON_VALUES)
    if read is None:
        return None
    target, fields = read
    head = Head(CIMultiDictProxy(CIMultiDict(fields)), keep_alive=False)
    head.upgrade = True
    return "GET", target, head
