"""The ``msgpack`` parser: frames of MessagePack, as Node Primus speaks it (``primus-msgpack``).

    primus = Primus(app, parser="msgpack")

Numbers, texts, `None`, booleans, lists, dicts, `bytes` and aware `datetime` (in UTC, with
milliseconds) come back as they went. Node writes whole numbers beyond 32 bits as doubles: they
arrive as `float`, with the same value.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgpack  # type: ignore[import-untyped]

from primus import ParserError, hookimpl
from primus.parsers.garbage import LARGE, uncollected
from primus.parsers.values import key_text
from primus_parser_msgpack.deep import pack_deep
from primus_parser_msgpack.extensions import Ext, from_extension, to_plain

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["Ext", "MessagePackParser"]

ROOM: Final = 4096
"""Bytes to begin with; the 256 KB of the library go back to the system after every message."""

NO_MESSAGE_PACK: Final = (TypeError, ValueError, OverflowError, MemoryError)


class MessagePackParser:
    """Encodes values as MessagePack, and decodes it.

    Args:
        timestamps: write dates as the timestamps of MessagePack, type -1, with nanoseconds, for
            peers that know those. Node Primus does not, and reads dates of its own type only,
            13, which is what is written otherwise. Both are read, here and in our browser half.
    """

    name = "msgpack"
    binary = True
    threadsafe = True

    def __init__(self, *, timestamps: bool = False) -> None:
        self._options: dict[str, Any] = {
            "default": to_plain,
            "datetime": timestamps,
            "buf_size": ROOM,
        }

    def encode(self, value: Any) -> bytes:
        """`value` as MessagePack.

        Raises:
            ParserError: `value` has no form in it, refers to itself, or is nested too deeply.
        """
        try:
            try:
                packed: bytes = msgpack.packb(value, **self._options)
            except ValueError as error:
                if "recursion" not in str(error):
                    raise
                packed = pack_deep(value, **self._options)
        except NO_MESSAGE_PACK as error:
            raise ParserError(
                f"cannot encode {type(value).__name__} as MessagePack: {error}"
            ) from error
        return packed

    def decode(self, frame: str | bytes) -> Any:
        """The value in `frame`.

        Raises:
            ParserError: `frame` is text, or no MessagePack, or nested too deeply.
        """
        if isinstance(frame, str):
            raise ParserError("not MessagePack: it is text", frame)
        return _unpack(frame) if len(frame) < LARGE else uncollected(_unpack, frame)

    @staticmethod
    @cache
    def browser() -> Browser:
        """The browser half: ``@msgpack/msgpack``, taken from npm when the wheel was built."""
        from primus.browser import Browser

        library = files("primus_parser_msgpack").joinpath("_assets", "msgpack.js")
        return Browser.read("primus_parser_msgpack", library=library.read_text("utf-8"))


def _unpack(frame: bytes) -> Any:
    try:
        return msgpack.unpackb(frame, timestamp=3, ext_hook=from_extension)
    except NO_MESSAGE_PACK as error:
        return _with_other_keys(frame, error)


def _with_other_keys(frame: bytes, refused: Exception) -> Any:
    """Take keys that are no texts as texts, like JavaScript and JSON do.

    A dict with keys of the sender's choice is not made: texts have secret hashes, but numbers can
    be chosen so that the dict takes seconds.
    """
    try:
        if "map key" not in str(refused):
            raise refused
        return msgpack.unpackb(
            frame,
            timestamp=3,
            ext_hook=from_extension,
            strict_map_key=False,
            object_pairs_hook=_with_text_keys,
        )
    except NO_MESSAGE_PACK as error:
        message = str(error) or type(error).__name__
        raise ParserError(f"not MessagePack: {message}", frame) from error


def _with_text_keys(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    return {key_text(key): value for key, value in pairs}


@hookimpl
def primus_parser() -> MessagePackParser:
    """The parser named ``msgpack``."""
    return MessagePackParser()
