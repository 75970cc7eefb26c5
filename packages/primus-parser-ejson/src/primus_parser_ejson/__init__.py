"""The ``ejson`` parser: Meteor's Extended JSON, as npm's ``ejson`` speaks it.

    primus = Primus(app, parser="ejson")

Beyond what JSON has, an aware `datetime` comes back as one in UTC (with milliseconds), and so do
`bytes`, the infinities and `nan`. Types of your own are added to the parser:

    ejson = EJSONParser()
    ejson.add_type("Point", Point, to_json=astuple, from_json=lambda value: Point(*value))
    primus = Primus(app, parser=ejson)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from primus import ParserError, hookimpl
from primus.parsers.garbage import uncollected
from primus.parsers.json import JSONParser
from primus_parser_ejson.conversion import from_json, to_json
from primus_parser_ejson.types import CustomTypes, RegExp

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["EJSONParser", "RegExp"]

PLAIN: Final = (
    orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


class EJSONParser:
    """Encodes values as EJSON text, and decodes text or UTF-8 bytes."""

    name = "ejson"
    binary = False
    json = True
    threadsafe = True

    def __init__(self) -> None:
        self._json = JSONParser()
        self._types = CustomTypes()

    def add_type(
        self,
        name: str,
        kind: type,
        *,
        to_json: Callable[[Any], Any],
        from_json: Callable[[Any], Any],
    ) -> None:
        """Carry objects of a class, as ``{"$type": name, "$value": …}``.

        Args:
            name: what every peer calls the type.
            kind: the class; those that derive from it are types of their own.
            to_json: gives what JSON has for an object.
            from_json: gives the object again; what it gets comes from a stranger.

        Raises:
            ValueError: the name, or the class, has been added before.
        """
        self._types.add(name, kind, to_json, from_json)

    def encode(self, value: Any) -> str:
        """`value` as EJSON.

        Raises:
            ParserError: `value` has no form in it, refers to itself, or is nested too deeply.
        """
        if (text := self._plain(value)) is not None:
            return text
        try:
            return uncollected(self._written, value)
        except ParserError:
            raise
        except Exception as error:  # the functions of custom types may raise anything
            raise ParserError(f"cannot encode {type(value).__name__} as EJSON: {error}") from error

    def decode(self, frame: str | bytes) -> Any:
        """The value in `frame`.

        Raises:
            ParserError: `frame` is not EJSON, names an unknown type, or is nested too deeply.
        """
        value = self._json.decode(frame)
        if not _may_be_marked(frame):
            return value
        try:
            return from_json(value, self._types)
        except Exception as error:  # the functions of custom types may raise anything
            raise ParserError(f"not EJSON: {error}", frame) from error

    def _written(self, value: Any) -> str:
        return self._json.encode(to_json(value, self._types))

    def _plain(self, value: Any) -> str | None:
        """`value` as JSON, when that is the same: most messages need no second look in Python."""
        if self._types:
            return None
        try:
            text = orjson.dumps(value, option=PLAIN).decode()
        except TypeError:
            return None
        # A key like "$date" has to be escaped, and what is not finite has become `null`.
        return None if '"$' in text or "null" in text else text

    @staticmethod
    @cache
    def browser() -> Browser:
        """The browser half."""
        from primus.browser import Browser

        return Browser.read("primus_parser_ejson")


def _may_be_marked(frame: str | bytes) -> bool:
    """Whether there may be a key that begins with a dollar sign."""
    if isinstance(frame, str):
        return '"$' in frame or '"\\u0024' in frame
    return b'"$' in frame or b'"\\u0024' in frame


@hookimpl
def primus_parser() -> EJSONParser:
    """The parser named ``ejson``."""
    return EJSONParser()
