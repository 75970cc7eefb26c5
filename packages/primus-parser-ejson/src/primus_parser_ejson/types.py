"""The types of an application of its own, and regular expressions, which are data here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["CustomTypes", "RegExp"]


@dataclass(frozen=True, slots=True)
class RegExp:
    """A regular expression of JavaScript: nothing compiles it, for it may come from a stranger.

    ``source`` is the pattern, in the syntax of JavaScript; ``flags`` are letters of ``gimuy``.
    """

    source: str
    flags: str = ""


class CustomTypes:
    """The types that an application has added, by class and by name."""

    def __init__(self) -> None:
        self._writers: dict[type, tuple[str, Callable[[Any], Any]]] = {}
        self._readers: dict[str, Callable[[Any], Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._readers)

    def add(
        self,
        name: str,
        kind: type,
        to_json: Callable[[Any], Any],
        from_json: Callable[[Any], Any],
    ) -> None:
        """Know objects of exactly the class `kind`, which are called `name` on the wire.

        Raises:
            ValueError: the name, or the class, has been added before.
        """
        if name in self._readers:
            raise ValueError(f"a type named {name!r} has been added before")
        if kind in self._writers:
            raise ValueError(
                f"{kind.__name__} has been added before, as {self._writers[kind][0]!r}"
            )
        self._writers[kind] = name, to_json
        self._readers[name] = from_json

    def knows(self, value: Any) -> bool:
        """Whether the class of `value` has been added."""
        return type(value) in self._writers

    def written(self, value: Any) -> dict[str, Any]:
        """`value` as the object that stands for it in JSON."""
        name, to_json = self._writers[type(value)]
        return {"$type": name, "$value": to_json(value)}

    def read(self, name: Any, value: Any) -> Any:
        """The object that a peer calls `name`.

        Raises:
            ValueError: no type of that name has been added.
            Exception: whatever its ``from_json`` raises.
        """
        if not isinstance(name, str) or name not in self._readers:
            raise ValueError(f"no type named {name!r:.100} has been added")
        return self._readers[name](value)
