"""Types that other libraries convert: structs of msgspec, models and dataclasses of pydantic.

Neither library is imported before a type of its own is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from primus.errors import ValidationError

__all__ = ["Foreign"]

STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
"""One step of a path of msgspec: ``$.items[2].name``."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A type of another library."""

    kind: type
    read: Callable[[Any], Any] = field(repr=False)
    json_schema: Callable[[str], dict[str, Any]] = field(repr=False)
    """Its JSON Schema, for references that begin with a text."""

    @property
    def title(self) -> str:
        """Its name."""
        return f"an object ({self.kind.__name__})"

    def take(self, value: Any) -> Any:
        """The value, converted by its library."""
        return self.read(value)

    @classmethod
    def of(cls, kind: Any) -> Foreign | None:
        """A type of another library; `None` when it is of none that is known."""
        if hasattr(kind, "__struct_fields__"):
            return cls(kind, _msgspec(kind), _msgspec_schema(kind))
        if hasattr(kind, "__pydantic_validator__"):
            return cls(kind, _pydantic(kind), _pydantic_schema(kind))
        return None


def _msgspec(kind: type) -> Callable[[Any], Any]:
    msgspec: Any = import_module("msgspec")

    def read(value: Any) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$")
            steps = tuple(name or int(index or 0) for name, index in STEP.findall(path.rstrip("`")))
            raise ValidationError(reason[:1].lower() + reason[1:], steps) from None
        except UnicodeEncodeError as error:  # msgspec looks at text as UTF-8
            raise ValidationError(f"a text with a lone surrogate: {error.reason}") from None

    return read


def _msgspec_schema(kind: type) -> Callable[[str], dict[str, Any]]:
    def schema(prefix: str) -> dict[str, Any]:
        msgspec: Any = import_module("msgspec")
        (own,), parts = msgspec.json.schema_components([kind], ref_template=prefix + "{name}")
        return {"$defs": parts, **own}

    return schema


def _pydantic(kind: type) -> Callable[[Any], Any]:
    pydantic: Any = import_module("pydantic")
    adapter = pydantic.TypeAdapter(kind)

    def read(value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            reason = first["msg"]
            raise ValidationError(reason[:1].lower() + reason[1:], tuple(first["loc"])) from None

    return read


def _pydantic_schema(kind: type) -> Callable[[str], dict[str, Any]]:
    def schema(prefix: str) -> dict[str, Any]:
        pydantic: Any = import_module("pydantic")
        made = pydantic.TypeAdapter(kind).json_schema(ref_template=prefix + "{model}")
        return dict(made)

    return schema
