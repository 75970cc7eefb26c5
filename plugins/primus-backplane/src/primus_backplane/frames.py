"""Frames that other servers have made: relayed as they are, or decoded and encoded again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from primus import Parser, PluginError, Primus, Spark
from primus.callables import dispose, is_awaitable
from primus.parsers.json import JSON
from primus.protocol import PREFIX, check_message
from primus.registry import parser_named
from primus.server.broadcast import Encoded, encoded_once
from primus_backplane.errors import BusError

__all__ = ["Frames"]

PREFIX_BYTES: Final = PREFIX.encode()
LOOKED_AT: Final = 32
"""How far into a frame the text may begin that peers obey, with any parser."""
MOST_PARSERS: Final = 32
JSON_NAME: Final = "json"


class Frames:
    """The frames of the messages of one server, and of those of others.

    Args:
        primus: the server.
    """

    def __init__(self, primus: Primus) -> None:
        self._primus: Any = primus
        self._parsers: dict[str, Parser | None] = {JSON_NAME: JSON()}
        """Of other servers, by name; `None` for what is not installed here."""

    def made(self, data: Any) -> tuple[Encoded, str, str | bytes]:
        """The message, encoded once, the name of the parser of its frame, and the frame.

        An async parser would have to be awaited: other servers get JSON then.

        Raises:
            ControlTextError: it is text that peers obey.
            ParserError: the parser has no form for it.
        """
        primus = self._primus
        message = encoded_once(data, primus.parser)
        if message.frame is not None:
            return message, primus.parser_name, message.frame
        frame = encoded_once(message.data, JSON()).frame
        return Encoded(message.data, None), JSON_NAME, frame

    def deliver(self, parser: str, frame: str | bytes, to: Iterable[Spark] | None) -> None:
        """Send a frame of another server to sparks of this one; `None` for all.

        Raises:
            PrimusError: it cannot be decoded, its parser is unknown here, or it is text that peers
                obey.
            Exception: whatever that parser raises.
        """
        primus = self._primus
        if parser == primus.parser_name:
            if _may_be_obeyed(frame):
                check_message(_decoded(primus.parser, frame))
            primus.relay(frame, to=to)
        else:
            primus.write(_decoded(self._named(parser), frame), to=to)

    def decoded(self, parser: str, frame: str | bytes) -> Any:
        """The message in a frame.

        Raises:
            PrimusError: it cannot be decoded, or its parser is unknown here.
            Exception: whatever that parser raises.
        """
        primus = self._primus
        return _decoded(
            primus.parser if parser == primus.parser_name else self._named(parser), frame
        )

    def _named(self, name: str) -> Parser:
        if name not in self._parsers:
            if len(self._parsers) >= MOST_PARSERS:
                raise BusError(f"the parser {name[:80]!r} is one too many")
            try:
                self._parsers[name] = parser_named(name)[1]
            except PluginError:
                self._parsers[name] = None
        parser = self._parsers[name]
        if parser is None:
            raise BusError(f"the parser {name[:80]!r} is not installed here")
        return parser


def _decoded(parser: Parser, frame: str | bytes) -> Any:
    data = parser.decode(frame)
    if is_awaitable(data):
        dispose(data)
        raise BusError("a frame of an async parser cannot be decoded here")
    return data


def _may_be_obeyed(frame: str | bytes) -> bool:
    """Whether a frame may be that of a text which peers obey; a text of JSON may have escapes."""
    if isinstance(frame, str):
        return frame.lstrip()[:1] == '"' or PREFIX in frame[:LOOKED_AT]
    return PREFIX_BYTES in frame[:LOOKED_AT] or frame[:1] == b'"'
