"""Work on large messages without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, Final, TypeVar

__all__ = ["LARGE", "uncollected"]

LARGE: Final = 1 << 16
"""Bytes of a frame from which on it is worth it."""

Made = TypeVar("Made")


def uncollected(work: Callable[[Any], Made], material: Any) -> Made:
    """What `work` makes of `material`, a frame or a value, while the collector pauses.

    A mebibyte can hold a million lists, none of them garbage; to look through all of them again
    and again takes longer than to make them.
    """
    if not gc.isenabled():
        return work(material)
    gc.disable()
    try:
        return work(material)
    finally:
        gc.enable()
