"""Values of an application as values that a parser can encode (pure).

What `primus.schema` makes of the values of a peer, the other way round: dataclasses, structs of
msgspec and models of pydantic are objects, enumerations their values, dates ISO texts, sets lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from importlib import import_module
from typing import Any, Final
from uuid import UUID

__all__ = ["plain"]

PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None)})


def plain(value: Any) -> Any:
    """`value` made of what parsers know; what is unknown stays, and the parser says so."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is list:
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, Enum):
        return plain(value.value)
    return _of_a_class(value, kind)


def _of_a_class(value: Any, kind: type) -> Any:
    if is_dataclass(kind):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, AbstractSet):
        return [plain(each) for each in value]
    if hasattr(kind, "__struct_fields__"):
        return import_module("msgspec").to_builtins(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump(mode="json")
    return value
