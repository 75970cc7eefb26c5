"""Declared types as JSON Schema (draft 7, which AsyncAPI 3 has), with named ones apart (pure)."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from primus.schema import (
    Anything,
    Bounds,
    Choice,
    Foreign,
    Items,
    Keyed,
    Node,
    OneOf,
    Record,
    Scalar,
    Together,
    Within,
)
from primus_contract.events import plain

__all__ = ["PREFIX", "Schemas"]

PREFIX: Final = "#/components/schemas/"

SCALARS: Final[dict[type, dict[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    UUID: {"type": "string", "format": "uuid"},
    Decimal: {"type": ["string", "number"]},
}

BOUNDS: Final = (
    ("ge", ("minimum",)),
    ("gt", ("exclusiveMinimum",)),
    ("le", ("maximum",)),
    ("lt", ("exclusiveMaximum",)),
    ("min_length", ("minLength", "minItems")),
    ("max_length", ("maxLength", "maxItems")),
    ("pattern", ("pattern",)),
)
"""The keywords for each bound; those that do not go with a type mean nothing there."""


class Schemas:
    """The schemas of named types, collected while those of events are made."""

    def __init__(self) -> None:
        self.named: dict[str, dict[str, Any]] = {}
        """By name: dataclasses, TypedDicts, structs and models."""
        self._names: dict[tuple[type, bool], str] = {}
        """By type, and by whether the server sends it: then its defaults are there."""
        self._is_sent = False

    def sent(self, node: Node) -> dict[str, Any]:
        """The schema of a type that the server sends: with every field, defaults too."""
        self._is_sent = True
        try:
            return self.of(node)
        finally:
            self._is_sent = False

    def of(self, node: Node) -> dict[str, Any]:
        """The schema of a type; named ones are referred to."""
        match node:
            case Record():
                return self._record(node)
            case Foreign():
                return self._foreign(node)
            case Within():
                return {**self.of(node.node), **_bounds(node.bounds)}
            case OneOf():
                return {"anyOf": [self.of(each) for each in node.nodes]}
            case Keyed():
                return {"type": "object", "additionalProperties": self.of(node.value)}
            case Items() | Together():
                return self._list(node)
        return _leaf(node)

    def _list(self, node: Items | Together) -> dict[str, Any]:
        if isinstance(node, Items):
            unique = {"uniqueItems": True} if node.make in (set, frozenset) else {}
            return {"type": "array", "items": self.of(node.item), **unique}
        items = [self.of(item) for item in node.items]
        length = {"minItems": len(items), "maxItems": len(items), "additionalItems": False}
        return {"type": "array", "items": items, **length}

    def _record(self, record: Record) -> dict[str, Any]:
        is_complete = self._is_sent and dataclasses.is_dataclass(record.kind)
        known = (record.kind, is_complete) in self._names
        name = self._name(record.kind, is_complete)
        if not known:
            properties: dict[str, Any] = {}
            schema = self.named[name] = {"type": "object", "properties": properties}
            for each in record.fields:
                default = _default(each.default)
                properties[each.name] = {**self.of(each.node), **default}
            required = [each.name for each in record.fields if is_complete or each.is_required]
            if required:
                schema["required"] = required
            if text := _description(record.kind):
                schema["description"] = text
        return {"$ref": PREFIX + name}

    def _foreign(self, foreign: Foreign) -> dict[str, Any]:
        if (foreign.kind, False) not in self._names:
            schema = foreign.json_schema(PREFIX)
            for name, part in schema.pop("$defs", {}).items():
                self.named.setdefault(name, part)
            if schema.keys() == {"$ref"}:  # it stands among the parts itself
                self._names[foreign.kind, False] = schema["$ref"].removeprefix(PREFIX)
            else:
                self.named[self._name(foreign.kind, False)] = schema
        return {"$ref": PREFIX + self._names[foreign.kind, False]}

    def _name(self, kind: type, is_complete: bool) -> str:
        """A name that no other type has."""
        key = kind, is_complete
        if key not in self._names:
            name, number = kind.__name__, 2
            while name in self.named:
                name, number = f"{kind.__name__}{number}", number + 1
            self._names[key] = name
        return self._names[key]


def _leaf(node: Node) -> dict[str, Any]:
    """The schema of a type without parts."""
    match node:
        case Scalar():
            return dict(SCALARS[node.kind])
        case Choice():
            return {"enum": [plain(option) for option in node.options]}
        case Anything():
            return {}
    raise AssertionError(node)


def _bounds(bounds: Bounds) -> dict[str, Any]:
    given = {keyword: getattr(bounds, name) for name, keywords in BOUNDS for keyword in keywords}
    return {keyword: value for keyword, value in given.items() if value is not None}


def _default(value: Any) -> dict[str, Any]:
    """The default of a field, as far as it is known and can be written."""
    return {"default": value} if isinstance(value, str | int | float | bool) else {}


def _description(kind: type) -> str:
    """The docstring of a class, but the one that `dataclass` writes."""
    text = (kind.__doc__ or "").strip()
    generated = dataclasses.is_dataclass(kind) and text.startswith(f"{kind.__name__}(")
    return "" if generated else text.partition("\n\n")[0]
