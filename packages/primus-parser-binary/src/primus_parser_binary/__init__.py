"""The ``binary`` parser: frames of bytes in BinaryPack, as npm's ``binary-pack`` speaks it.

    primus = Primus(app, parser="binary")

Numbers, texts, booleans, `None`, lists, dicts and `bytes` come back as they went, but a `float`
that is a whole number comes back as an `int`, as in JavaScript. Dates are sent as ISO 8601 text:
the format has none.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from primus import ParserError, hookimpl
from primus.parsers.garbage import LARGE, uncollected
from primus_parser_binary.packing import pack
from primus_parser_binary.unpacking import unpack

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["BinaryParser"]


class BinaryParser:
    """Encodes values as BinaryPack, and decodes it."""

    name = "binary"
    binary = True
    threadsafe = True

    def encode(self, value: Any) -> bytes:
        """`value` as BinaryPack.

        Raises:
            ParserError: `value` has no form in it, refers to itself, or is nested too deeply.
        """
        try:
            return uncollected(pack, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise ParserError(
                f"cannot encode {type(value).__name__} as BinaryPack: {error}"
            ) from error

    def decode(self, frame: str | bytes) -> Any:
        """The value in `frame`.

        Raises:
            ParserError: `frame` is text, or no BinaryPack, or nested too deeply.
        """
        if isinstance(frame, str):
            raise ParserError("not BinaryPack: it is text", frame)
        try:
            return unpack(frame) if len(frame) < LARGE else uncollected(unpack, frame)
        except (TypeError, ValueError) as error:
            raise ParserError(f"not BinaryPack: {error}", frame) from error

    @staticmethod
    @cache
    def browser() -> Browser:
        """The browser half."""
        from primus.browser import Browser

        return Browser.read("primus_parser_binary")


@hookimpl
def primus_parser() -> BinaryParser:
    """The parser named ``binary``."""
    return BinaryParser()
