"""`Bounds`: limits of a value, in an annotation (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import Any

from primus.errors import ValidationError

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large or how long a value may be: ``Annotated[str, Bounds(max_length=200)]``.

    Metadata of other libraries with attributes of these names, such as ``msgspec.Meta`` and
    ``annotated_types.MaxLen``, means the same.
    """

    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None

    @classmethod
    def of(cls, metadata: Iterable[Any]) -> Bounds | None:
        """The bounds among the metadata of an annotation; `None` when there are none."""
        names = cls.__slots__
        found: dict[str, Any] = {}
        for each in metadata:
            for name in names:
                value = getattr(each, name, None)
                if value is not None and not callable(value):
                    found[name] = value
        return cls(**found) if found else None

    def check(self, value: Any) -> None:
        """Check a value.

        Raises:
            ValidationError: it is out of bounds.
        """
        reason = self._number(value) or self._length(value) or self._text(value)
        if reason:
            raise ValidationError(f"must be {reason}")

    def _number(self, value: Any) -> str:
        if self.ge is not None and not value >= self.ge:
            return f"at least {self.ge}"
        if self.gt is not None and not value > self.gt:
            return f"more than {self.gt}"
        if self.le is not None and not value <= self.le:
            return f"at most {self.le}"
        if self.lt is not None and not value < self.lt:
            return f"less than {self.lt}"
        return ""

    def _length(self, value: Any) -> str:
        length = len(value) if isinstance(value, Sized) else 0
        if self.min_length is not None and length < self.min_length:
            return f"at least {self.min_length} long"
        if self.max_length is not None and length > self.max_length:
            return f"at most {self.max_length} long"
        return ""

    def _text(self, value: Any) -> str:
        if self.pattern is not None and not re.search(self.pattern, value):
            return f"a text that fits {self.pattern!r}"
        return ""
