"""The ``json`` parser: `JSON.stringify` and `JSON.parse`, as a JavaScript peer knows them.

orjson does the work. What it refuses and JavaScript takes is done here:

* ``NaN`` and the infinities are written as ``null``, and are errors when they arrive bare;
* a lone surrogate is written, and read, as its escape (``"\\ud800"``);
* an integer is written with all its digits, and read exactly up to 64 bits and as a float
  beyond. A JavaScript peer rounds everything beyond 2**53 to a double, as it always does;
* keys that are not strings are written as strings: ``{1: "a"}`` is ``{"1":"a"}``;
* what is nested deeper than orjson writes it: whatever is read can be written again.

Beyond `JSON.stringify`, the values that orjson knows (`datetime`, `UUID`, `Enum`, dataclasses)
are written as their usual text.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

from primus.errors import ParserError
from primus.hookspecs import hookimpl
from primus.parsers.stringify import stringify
from primus.parsers.surrogates import has_surrogates, loads

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["JSONParser"]


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
            pass
        try:
            return stringify(value)
        except (TypeError, ValueError) as error:
            raise ParserError(f"cannot encode {type(value).__name__} as JSON: {error}") from error

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


def _parse(frame: str | bytes, refused: ValueError) -> Any:
    """What orjson refuses; only the escapes of lone surrogates are worth another try."""
    try:
        text = frame if isinstance(frame, str) else frame.decode()
        if not has_surrogates(text):
            raise refused
        return loads(text)
    except ValueError as error:
        raise ParserError(f"not JSON: {error}", frame) from error


@hookimpl
def primus_parser() -> JSONParser:
    """The parser named ``json``."""
    return JSONParser()
