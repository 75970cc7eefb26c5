"""What the three plugins have in common: encoding what is published, and decoding what arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from primus import ParserError, PluginError, Spark
from primus.callables import dispose, is_awaitable
from primus.parser import Parser, is_binary
from primus.parsers.json import JSONParser
from primus.protocol import check_message
from primus.server.broadcast import Encoded
from primus_cluster.relay import Unusable

__all__ = ["Everywhere", "decoded", "decoded_json", "encoded", "encoded_json", "text_of"]

JSON: Final = JSONParser()


def encoded(parser: Parser, value: Any) -> Any:
    """What is published of a value.

    Raises:
        ParserError: the parser has no form for it, or is async.
    """
    try:
        frame = parser.encode(value)
    except Exception as error:
        raise ParserError(f"a message to other servers cannot be encoded: {error!r}") from error
    if is_awaitable(frame):
        dispose(frame)
        raise ParserError("messages to other servers need a parser that is not async")
    return frame


def decoded(parser: Parser, payload: bytes) -> Any:
    """The value in what was published.

    Raises:
        Exception: it is none, for this parser.
    """
    value = parser.decode(payload if is_binary(parser) else text_of(payload))
    if is_awaitable(value):
        dispose(value)
        raise Unusable("the parser of this server is async")
    return value


def encoded_json(value: Any) -> Any:
    """What is published of a value, in JSON.

    Raises:
        ParserError: JSON has no form for it.
    """
    return encoded(JSON, value)


def decoded_json(payload: bytes) -> Any:
    """The value in what was published, in JSON.

    Raises:
        Exception: it is none.
    """
    return JSON.decode(text_of(payload))


def text_of(payload: bytes) -> str:
    """The text that was published.

    Raises:
        UnicodeDecodeError: it is none.
    """
    return payload.decode()


class Everywhere:
    """``primus.write`` of a server whose messages go to the other servers as well.

    Args:
        primus: the server.
        publish: called with each message to all sparks; what it raises, `write` raises.
        here: whether the sparks of this server get it at once, rather than by what is published.
    """

    def __init__(self, primus: Any, publish: Callable[[Any], None], *, here: bool) -> None:
        self._primus = primus
        self._publish = publish
        self._here = here
        self.only_here = primus.write
        """``primus.write`` as it was."""

    def __call__(
        self,
        data: Any,
        *,
        to: Iterable[Spark] | None = None,
        everywhere: bool = False,
        ordered: bool | None = None,
    ) -> None:
        """Send `data` to every spark of every server, or `to` some of this one.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``; no spark gets it.
            ParserError: the parser has no form for `data`; no spark gets it.
            PluginError: `everywhere` or `ordered` is set with `to`, or what is wanted needs the
                plugin ``backplane``.
        """
        primus = self._primus
        if to is not None:
            self.only_here(data, to=to, everywhere=everywhere, ordered=ordered)
        elif ordered:
            raise PluginError("write(ordered=True) needs the plugin 'backplane'")
        elif primus.is_elsewhere:
            primus.handed_over(self._to_all, primus.encoded_here(data) if self._here else data)
        else:
            self._to_all(data)

    def _to_all(self, data: Any) -> None:
        value = data.data if isinstance(data, Encoded) else data
        check_message(value)
        self._publish(value)
        if self._here:
            self.only_here(data)
