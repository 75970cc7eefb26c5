"""What plugins add to sparks, to sockets and to a Primus: the members of a class (pure).

A plugin declares what it adds as a class that derives from the one it extends:

    class RoomsSpark(Spark):
        def join(self, rooms: str) -> bool: ...

The hook returns the class, and its members are set on the sparks of the server. For a type checker
such a spark is a `RoomsSpark`, and an application may derive from it: what the application has
overridden stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import get_annotations
from itertools import takewhile
from types import FunctionType
from typing import Any

from primus.errors import HookError, PluginError

__all__ = ["Given", "bound", "declared", "is_inherited", "members", "outside", "refuse_taken"]

Given = Mapping[str, object] | type | None
"""What a hook may return: attributes by name, a class that has them, or nothing."""


def members(given: Given) -> dict[str, Any]:
    """The attributes that a hook gives: of a class, what it adds to the class of the core."""
    if given is None:
        return {}
    if not isinstance(given, type):
        return dict(given)
    return {
        name: value
        for kind in reversed(outside(given))
        for name, value in vars(kind).items()
        if not (name.startswith("__") and name.endswith("__"))
    }


def declared(given: Given) -> set[str]:
    """The names that a class adds: its members, and what it annotates without a value."""
    names = set(members(given))
    if isinstance(given, type):
        names.update(name for kind in outside(given) for name in get_annotations(kind))
    return names


def outside(kind: type) -> list[type]:
    """A class with those of its bases that are not of the core, the most derived first."""
    return list(takewhile(_is_outside, kind.__mro__))


def _is_outside(kind: type) -> bool:
    return kind.__module__.partition(".")[0] != "primus"


def is_inherited(kind: type, given: Given) -> bool:
    """Whether a class derives from the one that a hook has returned, and so has its members."""
    return isinstance(given, type) and issubclass(kind, given)


def refuse_taken(name: str, kind: type, attributes: Iterable[str]) -> None:
    """Check that an application's own class has none of the attributes that a plugin gives.

    Args:
        name: the name of the plugin.
        kind: the class of the application, or of the core.
        attributes: the names that the plugin gives.

    Raises:
        PluginError: one is taken.
    """
    for base in outside(kind):
        taken = sorted(vars(base).keys() & set(attributes))
        if taken:
            raise PluginError(
                f"the plugin {name!r}: {base.__qualname__} has an attribute {taken[0]!r} "
                "already; rename it, or derive from the class that the plugin exports"
            )


def bound(name: str, attribute: str, value: Any, owner: object) -> Any:
    """A member as an attribute of one object: a function becomes its method.

    Args:
        name: the name of the plugin.
        attribute: what the member is called.
        value: the member, as a class has it.
        owner: the object.

    Raises:
        HookError: it works on a class only, as a property does.
    """
    if isinstance(value, FunctionType):
        return value.__get__(owner)
    if hasattr(type(value), "__get__"):
        raise HookError(
            f"the plugin {name!r}: {attribute!r} cannot be given to a Primus: only functions and "
            "plain values can"
        )
    return value
