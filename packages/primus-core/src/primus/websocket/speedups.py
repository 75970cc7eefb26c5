"""What ``primus-speedups`` does for WebSockets, where it is installed and not turned off."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["SWITCH", "ReadTexts", "UpgradeFields", "absence", "read_texts", "upgrade_fields"]

SWITCH: Final = "PRIMUS_SPEEDUPS"
"""The environment variable that turns it off when it is ``0``."""

ReadTexts = Callable[[bytes, int, int, int, int], tuple[list[str], int]]
"""``(data, at, stop, longest, most)`` to the texts of a client that begin at ``at``, and where the
first other thing begins: at most so many texts, each of at most so many bytes, and none that goes
beyond ``stop``. It raises nothing that depends on what is in ``data``."""

UpgradeFields = Callable[
    [bytes, int, dict[str, str], dict[str, str]], tuple[str, list[tuple[str, str]]] | None
]
"""``(data, most, names, values)`` to target and headers of a request for a WebSocket, of at most so
many headers: those that ``names`` and ``values`` have are the ones in there. `None` when the head
is not written as most clients do, and a parser has to look. It raises nothing that depends on what
is in ``data``."""


def read_texts() -> ReadTexts | None:
    """What reads many texts at once, for servers that are made now; `None` where nothing does."""
    found = _in_use()
    return None if found is None else found.read_texts


def upgrade_fields() -> UpgradeFields | None:
    """What reads the heads of upgrades, for servers made now; `None` where nothing does."""
    found = _in_use()
    return None if found is None else found.upgrade_fields


def absence() -> str | None:
    """Why it is not in use; `None` when it is."""
    if _is_off():
        return f"turned off by {SWITCH}=0"
    found = _installed()
    return f"not compiled: {found}" if isinstance(found, ImportError) else None


def _in_use() -> ModuleType | None:
    found = None if _is_off() else _installed()
    return None if isinstance(found, ImportError) else found


def _is_off() -> bool:
    return os.environ.get(SWITCH) == "0"


@cache
def _installed() -> ModuleType | ImportError:
    try:
        import primus_speedups
    except ImportError as error:
        return error
    return primus_speedups
