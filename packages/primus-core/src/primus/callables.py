"""How functions of the user are called: how many arguments they take, and whether their results
are awaited (pure)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable
from inspect import CO_VARARGS, Parameter
from types import FunctionType, MethodType
from typing import Any, Final

__all__ = ["EVERYTHING", "PLAIN", "after", "arity", "bounds", "dispose", "is_awaitable", "obstacle"]

EVERYTHING: Final = sys.maxsize
"""The arity of a callable that takes any number of arguments."""


PLAIN: Final = frozenset({dict, list, str, bytes, int, float, bool, type(None)})
"""What messages are made of, and what functions return that wait for nothing."""


def arity(fn: Callable[..., Any]) -> int:
    """How many positional arguments `fn` takes at the most; `EVERYTHING` when unlimited."""
    return bounds(fn)[1]


def bounds(fn: Callable[..., Any]) -> tuple[int, int]:
    """How many positional arguments `fn` takes at the least and at the most.

    A callable that shows no signature (some built-ins) is taken to need none and accept
    everything.
    """
    function = fn.__func__ if isinstance(fn, MethodType) else fn
    if type(function) is FunctionType and not function.__dict__:
        # `inspect.signature` says the same and takes twenty times as long, for every connection.
        code = function.__code__
        most = code.co_argcount
        if most and function is not fn:
            most -= 1
        defaults = function.__defaults__
        least = most if defaults is None else max(0, most - len(defaults))
        return least, EVERYTHING if code.co_flags & CO_VARARGS else most
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return 0, EVERYTHING
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p for p in parameters if p.kind in kinds]
    least = sum(p.default is Parameter.empty for p in positional)
    unlimited = any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)
    return least, EVERYTHING if unlimited else len(positional)


def obstacle(fn: Callable[..., Any], least: int, given: int) -> str | None:
    """Why a callable cannot be called with so many positional arguments, or with fewer of them.

    Args:
        fn: the callable; one that shows no signature can.
        least: how many arguments it needs, by `bounds`.
        given: how many it gets at the most.
    """
    if least > given:
        return f"it needs {least} arguments and gets {given}"
    function = fn.__func__ if isinstance(fn, MethodType) else fn
    if isinstance(function, FunctionType) and function.__code__.co_kwonlyargcount:
        code, defaults = function.__code__, function.__kwdefaults__ or {}
        first = code.co_argcount
        named = code.co_varnames[first : first + code.co_kwonlyargcount]
        missing = [name for name in named if name not in defaults]
        if missing:
            return f"it needs {missing[0]!r} by name, and gets its arguments by position"
    return None


def is_awaitable(value: object) -> bool:
    """Whether `value` can be awaited. A type that has no ``__await__`` is slow to say so."""
    kind = type(value)
    return kind not in PLAIN and hasattr(kind, "__await__")


async def after(
    value: Awaitable[Any],
    then: Callable[[Any], Awaitable[Any] | None],
    fail: Callable[[Exception], object],
) -> None:
    """Await `value`, and continue with its result.

    Args:
        value: what is awaited.
        then: gets its result; what it returns, if anything, is awaited too.
        fail: gets what `value` raised.
    """
    try:
        result = await value
    except Exception as error:
        fail(error)
        return
    pending = then(result)
    if pending is not None:
        await pending


def dispose(value: object) -> None:
    """Close `value`, if it is a coroutine or a task that will not be awaited."""
    if is_awaitable(value):
        close = getattr(value, "close", None) or getattr(value, "cancel", None)
        if close is not None:
            close()
