"""Values of an application as values that every parser can encode (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from primus import to_builtins

__all__ = ["plain"]

PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None)})


def plain(value: Any) -> Any:
    """`value` made of what parsers know, by `primus.to_builtins`, however deep it stands.

    What is unknown stays, and the parser says so.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is list:
        return [plain(each) for each in value]
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    try:
        made = to_builtins(value)
    except TypeError:
        return value
    return plain(made)
