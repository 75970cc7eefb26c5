"""How many arguments a callable takes (pure)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from inspect import Parameter
from typing import Any, Final

__all__ = ["EVERYTHING", "arity"]

EVERYTHING: Final = sys.maxsize
"""The arity of a callable that takes any number of arguments."""


def arity(fn: Callable[..., Any]) -> int:
    """How many positional arguments `fn` takes at the most; `EVERYTHING` when unlimited.

    A callable that shows no signature (some built-ins) is taken to accept everything.
    """
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return EVERYTHING
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
        return EVERYTHING
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional for p in parameters)
