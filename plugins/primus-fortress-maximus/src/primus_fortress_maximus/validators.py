"""`Validator`: what an application has declared for one event."""

from __future__ import annotations

from collections.abc import Callable
from types import GenericAlias, UnionType
from typing import Any, TypeAlias

from primus.callables import bounds
from primus.schema import Type
from primus_fortress_maximus.errors import Invalid
from primus_fortress_maximus.limits import Limit

__all__ = ["Function", "Validator"]

Function: TypeAlias = Callable[..., Any]


class Validator:
    """Judges the arguments of one event.

    Args:
        event: its name.
        fn: a function, or a type.
        limit: how often a spark may send it.
        takes_spark: whether a function gets the spark first.

    Raises:
        TypeError: it is neither.
    """

    __slots__ = ("_fn", "_least", "_most", "_takes_spark", "_type", "event", "limit")

    def __init__(self, event: str, fn: Any, limit: Limit | None, *, takes_spark: bool) -> None:
        self.event = event
        self.limit = limit
        self._fn: Function | None = None
        self._type: Type[Any] | None = None
        self._takes_spark = takes_spark
        self._least = self._most = 1
        if not _is_function(fn):
            self._type = Type(fn)
            return
        least, most = bounds(fn)
        if most < takes_spark:
            raise TypeError(f"the validator of {event!r} must take the spark first")
        self._fn = fn
        self._least, self._most = least - takes_spark, most - takes_spark

    @property
    def converts(self) -> bool:
        """Whether listeners get something else than what has arrived."""
        return self._type is not None

    def takes(self, args: list[Any]) -> bool:
        """Whether there are as many arguments as it demands."""
        return self._least <= len(args) <= self._most

    def judge(self, args: list[Any], connection: Any) -> Any:
        """What a function returns, which `refusal` understands, or an awaitable of it.

        A type puts the converted value in the place of the argument.

        Raises:
            Exception: the arguments are not valid.
        """
        if self._fn is None:
            assert self._type is not None
            args[:] = [self._type.convert(args[0])]
            return None
        return self._fn(connection, *args) if self._takes_spark else self._fn(*args)

    def refusal(self, verdict: Any) -> Invalid | None:
        """Why the message is refused, by what a function has returned or raised."""
        text = f"{self.event} did not validate"
        if verdict is False:
            return Invalid(self.event, text)
        if isinstance(verdict, Exception):
            return Invalid(self.event, str(verdict) or text, verdict)
        return Invalid(self.event, verdict) if isinstance(verdict, str) and verdict else None


def _is_function(fn: Any) -> bool:
    """Whether it is called with the arguments, rather than a type that they are checked against."""
    is_type = isinstance(fn, type | GenericAlias | UnionType) or type(fn).__module__ == "typing"
    return callable(fn) and not is_type
