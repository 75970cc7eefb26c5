"""`transform`, as a Primus and a Socket have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from primus.pipeline import Direction, Pipeline, Transform

__all__ = ["Transforming"]

Function = TypeVar("Function", bound=Callable[..., Any])


class Transforming:
    """Whatever has message transforms that users can add to."""

    __slots__ = ()

    pipeline: Pipeline

    @overload
    def transform(self, direction: Direction) -> Callable[[Function], Function]: ...
    @overload
    def transform(self, direction: Direction, fn: Function) -> Function: ...
    def transform(self, direction: Direction, fn: Transform | None = None) -> Any:
        """Call `fn(packet, connection)` for every message; without `fn`, works as a decorator.

        Args:
            direction: ``"incoming"`` or ``"outgoing"``.
            fn: changes ``packet.data``; returns `False` to swallow the message; raises to
                have ``error`` emitted and the message swallowed; may be async.

        Raises:
            OptionError: `direction` is something else.
        """
        if fn is None:
            self.pipeline.check(direction)
            return lambda function: self.transform(direction, function)
        self.pipeline.add(direction, fn)
        return fn
