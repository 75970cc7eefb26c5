"""JSON with the escapes of lone surrogates, which orjson refuses and JavaScript takes (pure).

The escapes are taken out of the text and put back into the value, so everything else in it is
read, or refused, by the codec as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["has_surrogates", "loads"]

MARK: Final = "\uffff"
"""Stands before four hexadecimal digits in place of an escape; itself it is written alike."""

ESCAPES: Final = re.compile(
    r"""
    \\u [dD][89abAB][0-9a-fA-F]{2} \\u [dD][c-fC-F][0-9a-fA-F]{2}   # a pair: one character
    | \\u ( [dD][89a-fA-F][0-9a-fA-F]{2} | [fF]{4} )
    | \\ .
    | \uffff
    """,
    re.VERBOSE | re.DOTALL,
)
MARKED: Final = re.compile(f"{MARK}(.{{4}})")


def has_surrogates(text: str) -> bool:
    """Whether there may be an escape of a surrogate."""
    return "\\ud" in text or "\\uD" in text


def loads(text: str, read: Callable[[str], Any]) -> Any:
    """The value in `text`, whose strings may hold lone surrogates.

    Args:
        text: the text.
        read: reads JSON without them, and raises `ValueError`.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    value = read(ESCAPES.sub(_mark, text))
    if isinstance(value, str):
        return _unmarked(value)
    waiting = [value]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict):
            _fill(container, container.items(), waiting)
            if any(MARK in key for key in container):
                named = [(_unmarked(key), item) for key, item in container.items()]
                container.clear()
                container.update(named)
        elif isinstance(container, list):
            _fill(container, enumerate(container), waiting)
    return value


def _mark(escape: re.Match[str]) -> str:
    if escape[1] is not None:
        return MARK + escape[1].lower()
    return MARK + "ffff" if escape[0] == MARK else escape[0]


def _fill(container: Any, items: Any, waiting: list[Any]) -> None:
    """Put the surrogates into the texts of a container; other containers in it have to wait."""
    for place, item in items:
        kind = type(item)
        if kind is str:
            if MARK in item:
                container[place] = _unmarked(item)
        elif kind is dict or kind is list:
            waiting.append(item)


def _unmarked(text: str) -> str:
    return MARKED.sub(lambda mark: chr(int(mark[1], 16)), text)
