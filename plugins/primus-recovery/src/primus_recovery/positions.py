"""Positions as text, on the wire and in URLs (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["in_text", "mark", "marked", "positions"]

DIGITS: Final = 30
"""The longest position; no bus has one of so many."""

_LIST: Final = re.compile(rf"[0-9]{{1,{DIGITS}}}(?:,[0-9]{{1,{DIGITS}}})*", re.ASCII)
_MARK: Final = re.compile(
    rf"(?:(?P<shard>[0-9]{{1,4}})/)?(?P<position>[0-9]{{1,{DIGITS}}})", re.ASCII
)


def in_text(known: Iterable[int]) -> str:
    """A position of each shard, with commas between."""
    return ",".join(map(str, known))


def positions(text: object, most: int) -> tuple[int, ...] | None:
    """The positions in a text; `None` when it holds something else, or more than `most`."""
    if not isinstance(text, str) or len(text) > most * (DIGITS + 1):
        return None
    if _LIST.fullmatch(text) is None:
        return None
    found = tuple(map(int, text.split(",")))
    return found if len(found) <= most else None


def mark(shard: int, position: int) -> str:
    """The position of one message: that of the first shard stands alone."""
    return f"{shard}/{position}" if shard else str(position)


def marked(text: str) -> tuple[int, int] | None:
    """The shard and the position of a message; `None` when the text is something else."""
    found = _MARK.fullmatch(text)
    if found is None:
        return None
    return int(found["shard"] or 0), int(found["position"])
