"""The ``json`` parser: `JSON.stringify` and `JSON.parse`, as a JavaScript peer knows them.

orjson does the work. What it refuses and JavaScript takes is done by the standard library:

* ``NaN`` and the infinities are written as ``null``, and are errors when they arrive bare;
* a lone surrogate is written, and read, as its escape (``"\\ud800"``);
* an integer is written with all its digits, and read exactly up to 64 bits and as a float
  beyond. A JavaScript peer rounds everything beyond 2**53 to a double, as it always does;
* keys that are not strings are written as strings: ``{1: "a"}`` is ``{"1":"a"}``.

Beyond `JSON.stringify`, the values that orjson knows (`datetime`, `UUID`, `Enum`, dataclasses)
are written as their usual text.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from primus.errors import ParserError
from primus.hookspecs import hookimpl

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["JSONParser"]

LONGEST_INTEGER = 20
"""Characters of the longest number that fits 64 bits."""


class JSONParser:
    """Encodes values as compact JSON text, and decodes text or UTF-8 bytes."""

    name = "json"
    binary = False
    json = True
    quick_encode = staticmethod(orjson.dumps)
    quick_decode = staticmethod(orjson.loads)

    def encode(self, value: Any) -> str:
        """`value` as compact JSON.

        Raises:
            ParserError: `value` has no JSON form, refers to itself, or is nested too deeply.
        """
        try:
            return orjson.dumps(value).decode()
        except TypeError:
            return _stringify(value)

    def decode(self, frame: str | bytes) -> Any:
        """The value in `frame`.

        Raises:
            ParserError: `frame` is not JSON, or is nested too deeply.
        """
        try:
            return orjson.loads(frame)
        except ValueError as error:
            return _parse(frame, error)

    @staticmethod
    @cache
    def browser() -> Browser:
        """The browser half: the browser's own JSON."""
        from primus.browser import Browser

        return Browser(client=files("primus.parsers").joinpath("json.js").read_text("utf-8"))


def _stringify(value: Any) -> str:
    """What orjson refuses, by the standard library; ASCII only, so surrogates are escapes."""
    try:
        return json.dumps(_plain(value), separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ParserError(f"cannot encode {type(value).__name__} as JSON: {error}") from error


def _plain(value: Any) -> Any:
    """`value` in terms of the standard library's encoder."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {_key(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return orjson.loads(orjson.dumps(value))


def _key(key: Any) -> str:
    match key:
        case str():
            return key
        case None | bool() | int() | float():
            return json.dumps(_plain(key))
        case _:
            raise TypeError(f"a key must be a string, not {type(key).__name__}")


def _parse(frame: str | bytes, refused: ValueError) -> Any:
    """What orjson refuses; only the escapes of lone surrogates are worth another try."""
    try:
        text = frame if isinstance(frame, str) else frame.decode()
        if "\\ud" not in text and "\\uD" not in text:
            raise refused
        return json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise ParserError(f"not JSON: {error}", frame) from error


def _integer(digits: str) -> int | float:
    """As orjson reads it: exactly up to 64 bits, and as a float beyond."""
    if len(digits) <= LONGEST_INTEGER:
        number = int(digits)
        if -(1 << 63) <= number < 1 << 64:
            return number
    return float(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@hookimpl
def primus_parser() -> JSONParser:
    """The parser named ``json``."""
    return JSONParser()
