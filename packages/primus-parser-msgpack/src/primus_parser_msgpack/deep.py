"""MessagePack of what is nested deeper than the library writes it.

Versions of the library differ in how deep they go; none is asked for more than single containers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
from msgpack import ExtType as Ext

from primus.limits import DEFAULT_LIMITS

__all__ = ["pack_deep"]

DEEPEST: Final = DEFAULT_LIMITS.max_depth_written
SCALARS: Final = frozenset({str, int, float, bool, type(None), bytes})


def pack_deep(value: Any, **options: Any) -> bytes:
    """`value` as MessagePack.

    Args:
        value: what is nested deeply.
        options: as for `msgpack.Packer`.

    Raises:
        ValueError: it is nested too deeply, or inside of itself.
        Exception: as `msgpack.packb`.
    """
    packer = msgpack.Packer(autoreset=False, **options)
    outer: list[Iterator[Any]] = []
    items: Iterator[Any] = iter((value,))
    while True:
        for item in items:
            if (inside := _begin(item, packer)) is not None:
                outer.append(items)
                if len(outer) > DEEPEST:
                    raise ValueError(f"nested more than {DEEPEST} deep, or inside of itself")
                items = inside
                break
        else:
            if not outer:
                packed: bytes = packer.bytes()
                return packed
            items = outer.pop()


def _begin(value: Any, packer: Any) -> Iterator[Any] | None:
    """Write a value, or the head of a container, whose items are what is returned."""
    inside: Iterator[Any] | None = None
    if isinstance(value, dict) and not SCALARS.issuperset(map(type, value.values())):
        packer.pack_map_header(len(value))
        inside = chain.from_iterable(value.items())
    elif isinstance(value, list | tuple) and not (
        isinstance(value, Ext) or SCALARS.issuperset(map(type, value))
    ):
        packer.pack_array_header(len(value))
        inside = iter(value)
    else:
        packer.pack(value)
    return inside
