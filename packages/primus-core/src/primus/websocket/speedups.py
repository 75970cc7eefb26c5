"""What ``primus-speedups`` does for WebSockets, where it is installed and not turned off."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Final

__all__ = ["SWITCH", "ReadTexts", "absence", "read_texts"]

SWITCH: Final = "PRIMUS_SPEEDUPS"
"""The environment variable that turns it off when it is ``0``."""

ReadTexts = Callable[[bytes, int, int, int, int], tuple[list[str], int]]
"""``(data, at, stop, longest, most)`` to the texts of a client that begin at ``at``, and where the
first other thing begins: at most so many texts, each of at most so many bytes, and none that goes
beyond ``stop``. It raises nothing that depends on what is in ``data``."""


def read_texts() -> ReadTexts | None:
    """What reads many texts at once, for servers that are made now; `None` where nothing does."""
    if _is_off():
        return None
    found = _installed()
    return None if isinstance(found, ImportError) else found


def absence() -> str | None:
    """Why it is not in use; `None` when it is."""
    if _is_off():
        return f"turned off by {SWITCH}=0"
    found = _installed()
    return f"not compiled: {found}" if isinstance(found, ImportError) else None


def _is_off() -> bool:
    return os.environ.get(SWITCH) == "0"


@cache
def _installed() -> ReadTexts | ImportError:
    try:
        from primus_speedups import read_texts
    except ImportError as error:
        return error
    return read_texts
