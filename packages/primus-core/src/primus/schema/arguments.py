"""`Arguments`: what a peer passes to a function, checked against its annotations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any, get_type_hints

from primus.errors import ValidationError
from primus.schema.nodes import Anything, Node
from primus.schema.reading import read, within_stack

__all__ = ["Arguments"]

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Arguments:
    """The parameters of a function that a peer gives values for; those without types take any.

    Args:
        fn: the function.
        skip: how many parameters at the beginning are not the peer's, such as the spark.
        without: names of parameters that are not the peer's, such as ``ack``.

    Raises:
        TypeError: values of peers cannot be checked against an annotation.
    """

    def __init__(
        self, fn: Callable[..., Any], *, skip: int = 0, without: Sequence[str] = ()
    ) -> None:
        parameters = [each for each in _parameters(fn) if each.name not in without]
        positional = [each for each in parameters if each.kind in POSITIONAL][skip:]
        hints = _hints(fn)
        self.names = tuple(each.name for each in positional)
        """What the parameters are called."""
        self.nodes = tuple(_node(hints, each) for each in positional)
        self._needed = sum(each.default is Parameter.empty for each in positional)
        rest = [each for each in parameters if each.kind is Parameter.VAR_POSITIONAL]
        self._rest = _node(hints, rest[0]) if rest else None

    def convert(self, values: Sequence[Any]) -> list[Any]:
        """The values, converted; those beyond what the function takes are left out.

        Raises:
            ValidationError: one is of another type, or is missing; the error names the parameter.
        """
        if len(values) < self._needed:
            raise ValidationError("is missing").within(self.names[len(values)])
        taken = []
        for index, value in enumerate(values):
            is_named = index < len(self.nodes)
            node = self.nodes[index] if is_named else self._rest
            if node is None:
                break
            try:
                taken.append(within_stack(node, value))
            except ValidationError as error:
                raise error.within(self.names[index] if is_named else index) from None
        return taken


def _parameters(fn: Callable[..., Any]) -> list[Parameter]:
    try:
        return list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):  # a built-in that shows none
        return [Parameter("args", Parameter.VAR_POSITIONAL)]


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    target: Any = fn
    if not inspect.isroutine(fn) and not isinstance(fn, type):
        target = type(fn).__call__
    try:
        return get_type_hints(target, include_extras=True)
    except NameError as error:
        raise TypeError(f"{fn!r}: {error}; declare its types at the top of a module") from error


def _node(hints: dict[str, Any], parameter: Parameter) -> Node:
    return read(hints[parameter.name]) if parameter.name in hints else Anything()
