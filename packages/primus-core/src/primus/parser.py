"""The interface of a parser: values to frames, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from primus.protocol import escape_separators

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = [
    "Coding",
    "Parser",
    "browser_half",
    "encoded",
    "is_binary",
    "is_json",
    "is_threadsafe",
    "parser_name",
    "quick",
]


@runtime_checkable
class Parser(Protocol):
    """Any object with these two methods is a parser; both may be async.

    Optional attributes: ``name`` (shown by ``/spec``), ``binary`` (its frames are `bytes`),
    ``json`` (its frames are JSON text, in which any character may be escaped on the way),
    ``threadsafe`` (``encode`` is no coroutine, and several threads may call it at once: a `write`
    from another thread then encodes there), and a method ``browser() -> Browser`` that gives the
    browser half. For a fast path, see `quick`.
    """

    def encode(self, value: Any) -> str | bytes | Awaitable[str | bytes]:
        """The frame for `value`: `str` is sent as text, `bytes` as binary, empty not at all.

        Raises:
            Exception: `value` cannot be encoded; `write` raises a `ParserError`. Of an async
                parser the connection emits it.
        """

    def decode(self, frame: Any) -> Any:
        """The value in `frame`, which is what arrived: `str` or `bytes`.

        Raises:
            Exception: `frame` cannot be decoded; the connection emits a `ParserError`.
        """


class Coding(NamedTuple):
    """What connections call of a parser: made once, for all of them."""

    parser: Parser
    encode: Callable[[Any], Any]
    quick_encode: Any
    """As `quick` gives it."""
    decode: Callable[[Any], Any]
    """The quick one, where there is one."""

    @classmethod
    def of(cls, parser: Parser) -> Coding:
        """The functions of a parser."""
        quick_encode, quick_decode = quick(parser)
        return cls(parser, parser.encode, quick_encode, quick_decode or parser.decode)


def quick(parser: Parser) -> tuple[Callable[[Any], bytes] | None, Callable[[Any], Any] | None]:
    """The functions ``quick_encode`` and ``quick_decode`` of a parser, if its class has them.

    They do at once what `Parser.encode` and `Parser.decode` do, for most values: one gives a text
    frame, never empty, as UTF-8, the other takes a frame. Whatever they raise, the careful one is
    asked. A subclass has none of its own unless it says so, since it may do something else.
    """
    own = vars(type(parser))
    encode = parser.quick_encode if "quick_encode" in own else None  # type: ignore[attr-defined]
    decode = parser.quick_decode if "quick_decode" in own else None  # type: ignore[attr-defined]
    return encode, decode


def encoded(encode: Callable[[Any], Any], data: Any) -> Any:
    """The frame of a value, its separators escaped, or an awaitable of one that is not.

    This is where frames are made, for one connection or for many.

    Raises:
        Exception: the parser cannot encode it.
    """
    frame = encode(data)
    if isinstance(frame, str) and not frame.isascii():
        return escape_separators(frame)
    return frame


def parser_name(parser: Parser) -> str:
    """The name of a parser as ``/spec`` shows it."""
    return str(getattr(parser, "name", "custom"))


def is_binary(parser: Parser) -> bool:
    """Whether the parser says that its frames are `bytes`."""
    return bool(getattr(parser, "binary", False))


def is_json(parser: Parser) -> bool:
    """Whether the parser says that its frames are JSON text."""
    return bool(getattr(parser, "json", False))


def is_threadsafe(parser: Parser) -> bool:
    """Whether the parser says that any thread may encode."""
    return bool(getattr(parser, "threadsafe", False))


def browser_half(parser: Parser) -> Browser | None:
    """The browser half of a parser, or `None` when it has none."""
    browser = getattr(parser, "browser", None)
    return browser() if browser is not None else None
