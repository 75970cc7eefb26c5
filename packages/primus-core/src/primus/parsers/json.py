"""The ``json`` parser: `JSON.stringify` and `JSON.parse`, as a JavaScript peer knows them.

orjson does the work, or what is installed in its place (`primus.parsers.codecs`). What it refuses
and JavaScript takes is done here:

* ``NaN`` and the infinities are written as ``null``, and are errors when they arrive bare;
* a lone surrogate is written, and read, as its escape (``"\\ud800"``);
* an integer is written with all its digits, and read exactly up to 64 bits and as a float
  beyond. A JavaScript peer rounds everything beyond 2**53 to a double, as it always does;
* keys that are not strings are written as strings: ``{1: "a"}`` is ``{"1":"a"}``;
* what is nested deeper than orjson writes it: whatever is read can be written again.

Beyond `JSON.stringify`, the values that orjson knows (`datetime`, `UUID`, `Enum`, dataclasses)
are written as their usual text. Others are, if the parser is given a function for them:

    from primus import JSON, to_builtins

    primus = Primus(app, parser=JSON(default=to_builtins))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

from primus.errors import ParserError
from primus.hookspecs import hookimpl
from primus.option_checks import function
from primus.parsers.codecs import Codec, installed_codec

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["JSON", "JSONParser"]

Default = Callable[[Any], Any]


class JSON:
    """The parser ``json``: compact JSON text; text and UTF-8 bytes are decoded.

    Args:
        default: is called with each value that has no form in JSON, and returns what is written
            instead of it, or raises `TypeError`. `to_builtins` is one for the usual values.

    Raises:
        OptionError: `default` is not callable.
    """

    name = "json"
    binary = False
    json = True
    threadsafe = True
    codec: ClassVar[Codec] = installed_codec()
    quick_encode: Callable[[Any], bytes] = staticmethod(codec.dumps)
    quick_decode: Callable[[Any], Any] = staticmethod(codec.loads)

    def __init__(self, *, default: Default | None = None) -> None:
        self.default = function("default", default)
        if default is not None:
            self.quick_encode = partial(self.codec.dumps, default=default)

    def encode(self, value: Any) -> str:
        """`value` as compact JSON.

        Raises:
            ParserError: `value` has no JSON form, refers to itself, or is nested too deeply.
        """
        try:
            return self.quick_encode(value).decode()
        except TypeError:
            pass
        from primus.parsers.stringify import stringify

        try:
            return stringify(value, self.default, self.codec.dumps)
        except Exception as error:  # `default` may raise anything
            raise ParserError(f"cannot encode {type(value).__name__} as JSON: {error}") from error

    def decode(self, frame: str | bytes) -> Any:
        """The value in `frame`.

        Raises:
            ParserError: `frame` is not JSON, or is nested too deeply.
        """
        try:
            return self.codec.loads(frame)
        except ValueError as error:
            return _parse(frame, error, self.codec.loads)

    @staticmethod
    @cache
    def browser() -> Browser:
        """The browser half: the browser's own JSON."""

        from primus.browser import Browser

        return Browser.read("primus.parsers", "json.js")


def _parse(frame: str | bytes, refused: ValueError, read: Callable[[str], Any]) -> Any:
    """What the codec refuses; only the escapes of lone surrogates are worth another try."""
    from primus.parsers.surrogates import has_surrogates, loads

    try:
        text = frame if isinstance(frame, str) else frame.decode()
        if not has_surrogates(text):
            raise refused
        return loads(text, read)
    except ValueError as error:
        raise ParserError(f"not JSON: {error}", frame) from error


JSONParser = JSON
"""The name that the class had before it could be given a function."""


@hookimpl
def primus_parser() -> JSON:
    """The parser named ``json``."""
    return JSON()
