"""Which methods of an object clients may call, and with what (pure)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter
from typing import Any, Final

from primus import PrimusError
from primus.schema import Arguments

__all__ = ["Method", "ResourceError", "methods_of", "remote_name"]

LOCAL: Final = frozenset(
    "once onready on_ready onconnection on_connection ondisconnection on_disconnection".split()
)
"""What begins like a method for clients, and is none, as in Node."""
ACKNOWLEDGING: Final = ("ack", "fn")
UNTYPED: Final = (Parameter.empty, Any, object, "Any", "object")
POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class ResourceError(PrimusError):
    """An object cannot be a resource, or a plugin is missing that resources need."""


class Method:
    """A method that clients call.

    Args:
        name: what they call it.
        fn: is called with the spark, and what the client has passed.

    Raises:
        ResourceError: it takes no spark, or has an annotation that values cannot be checked
            against.
    """

    __slots__ = ("_ack", "_arguments", "_least", "_most", "fn", "name")

    def __init__(self, name: str, fn: Callable[..., Any]) -> None:
        self.name = name
        self.fn = fn
        parameters = _parameters(fn)
        positional = [each for each in parameters if each.kind in POSITIONAL]
        unlimited = any(each.kind is Parameter.VAR_POSITIONAL for each in parameters)
        if not positional and not unlimited:
            raise ResourceError(f"{fn!r} takes no spark: a method for clients is called with one")
        last = positional[-1].name if len(positional) > 1 else ""
        self._ack = last if last in ACKNOWLEDGING else None
        own = positional[1 : len(positional) - (self._ack is not None)]
        self._least = sum(each.default is Parameter.empty for each in own)
        self._most = None if unlimited else len(own)
        self._arguments = self._checks([*own, *parameters[len(positional) :]])

    def _checks(self, own: list[Parameter]) -> Arguments | None:
        """What the arguments are checked by; `None` when no parameter has a type."""
        if all(each.annotation in UNTYPED for each in own):
            return None
        try:
            return Arguments(self.fn, skip=1, without=ACKNOWLEDGING)
        except TypeError as error:
            raise ResourceError(f"the method {self.name!r}: {error}") from error

    @property
    def takes_ack(self) -> bool:
        """Whether it answers by a call, and not by what it returns."""
        return self._ack is not None

    def arguments(self, given: Sequence[Any]) -> list[Any]:
        """What it is called with when a client has passed `given`.

        Without types, what the client has left out is `None`, and what it has passed beyond is
        dropped, as in JavaScript.

        Raises:
            ValidationError: an argument is not of its type, or is missing.
        """
        if self._arguments is not None:
            return self._arguments.convert(given)
        return [*given[: self._most], *[None] * (self._least - len(given))]

    def call(self, spark: Any, args: Sequence[Any], ack: Any) -> Any:
        """Call it with its `arguments`; what it returns."""
        if self._ack is None:
            return self.fn(spark, *args)
        return self.fn(spark, *args, **{self._ack: ack})


def _parameters(fn: Callable[..., Any]) -> list[Parameter]:
    try:
        return list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):  # a built-in that shows none
        return [Parameter("args", Parameter.VAR_POSITIONAL)]


def remote_name(attribute: str) -> str | None:
    """What clients call an attribute by: ``onWalk`` is ``Walk``, ``on_walk`` is ``walk``."""
    if attribute in LOCAL or not attribute.startswith("on"):
        return None
    return attribute.removeprefix("on").removeprefix("_") or None


def methods_of(obj: object) -> Mapping[str, Method]:
    """The methods of an object that clients may call, by the names that they call.

    Raises:
        ResourceError: two have one name, or one cannot be called by a client.
    """
    found: dict[str, Method] = {}
    for name, fn in _callables(obj):
        if name in found:
            raise ResourceError(f"{obj!r} has two methods that clients would call {name!r}")
        found[name] = Method(name, fn)
    return found


def _callables(obj: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    for attribute in dir(obj):
        name = remote_name(attribute)
        # A property is not looked at, since that would run it.
        if name is None or isinstance(getattr(type(obj), attribute, None), property):
            continue
        value = getattr(obj, attribute)
        if callable(value):
            yield name, value
