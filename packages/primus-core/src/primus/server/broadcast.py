"""Writing to many sparks: encoded once and framed once, where nothing looks at the spark.

A frame that another server of the cluster has encoded is relayed as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from primus.callables import dispose, is_awaitable
from primus.encoding import encoding_failure
from primus.errors import ParserError
from primus.parser import Parser, encoded, is_threadsafe
from primus.pipeline import Pipeline, run_out
from primus.protocol import check_message
from primus.server.spark import Spark
from primus.tasks import spawn

__all__ = ["Encoded", "broadcast", "check_recipients", "encoded_here", "encoded_once", "relay"]


def check_recipients(to: object) -> None:
    """Make sure that what a message is written to is sparks, as far as the first one shows.

    Raises:
        TypeError: it is a single spark, or ids.
    """
    first = to[0] if isinstance(to, list) and to else to
    if isinstance(first, str) or isinstance(to, Spark):
        raise TypeError(
            f"to={to!r}: must be a list of sparks; primus.spark(id) is the one that has an id"
        )


def broadcast(sparks: Iterable[Spark], data: Any, parser: Parser, pipeline: Pipeline) -> None:
    """Write `data` to each of `sparks`.

    With an outgoing transform or an async parser every spark goes its own way, as if `Spark.write`
    were called on each.

    Raises:
        ControlTextError: `data` is text that peers obey; no spark is written to.
        ParserError: the parser has no form for `data`, or for what the transforms have made of it
            for one of the sparks; no spark is written to.
    """
    frame: Any
    if type(data) is Encoded:
        data, frame = data.data, data.frame
    else:
        frame = None
    if pipeline.outgoing:
        _write_each(sparks, data)
        return
    if frame is None:
        check_message(data)
        frame = _frame(parser, data)
    if frame is None:
        for spark in sparks:
            spark.write(data)
    elif frame != "":
        _relay(sparks, frame)


def relay(sparks: Iterable[Spark], frame: str | bytes, parser: Parser, pipeline: Pipeline) -> None:
    """Send a frame of `parser`, its separators escaped, to each of `sparks`.

    With an outgoing transform it is decoded, for each spark to get what the transforms make of it.

    Raises:
        ParserError: it has to be decoded and cannot be, or the parser is async.
        ControlTextError: decoded, it is text that peers obey.
    """
    if not pipeline.outgoing:
        _relay(sparks, frame)
        return
    try:
        data = parser.decode(frame)
    except Exception as error:
        raise ParserError(f"failed to decode a frame to relay: {error!r}", frame) from error
    if is_awaitable(data):
        dispose(data)
        raise ParserError("with an async parser and transforms no frame can be relayed", frame)
    _write_each(sparks, data)


def _relay(sparks: Iterable[Spark], frame: str | bytes) -> None:
    prepared: dict[Any, Any] = {}
    for spark in sparks:
        spark.relay(frame, prepared)


class Encoded(NamedTuple):
    """A message to many sparks, which is encoded already."""

    data: Any
    frame: Any


def encoded_once(data: Any, parser: Parser) -> Encoded:
    """The message as `Encoded`; its frame is `None` when it would have to be awaited.

    Raises:
        ControlTextError: `data` is text that peers obey.
        ParserError: the parser has no form for `data`.
    """
    if type(data) is Encoded:
        return data
    check_message(data)
    return Encoded(data, _frame(parser, data))


def encoded_here(data: Any, parser: Parser, pipeline: Pipeline) -> Any:
    """The message as `Encoded`, if this thread, which is not that of the sparks, may do that.

    Raises:
        ControlTextError: `data` is text that peers obey.
        ParserError: the parser has no form for `data`.
    """
    if pipeline.outgoing or not is_threadsafe(parser):
        return data
    return encoded_once(data, parser)


def _write_each(sparks: Iterable[Spark], data: Any) -> None:
    """Write to each spark what its transforms make of `data`, or to none."""
    composed: list[tuple[Callable[[Any], object], Any]] = []
    try:
        for spark in sparks:
            step = spark.compose(data)
            if step is not None:
                composed.append(step)
    except Exception:
        for _, value in composed:
            if is_awaitable(value):
                spawn(run_out(value))
        raise
    for send, value in composed:
        send(value)


def _frame(parser: Parser, data: Any) -> str | bytes | None:
    """The frame that is the same for every spark, or `None` when it has to be awaited.

    Raises:
        ParserError: the parser has no form for `data`.
    """
    try:
        frame: Any = encoded(parser.encode, data)
    except Exception as error:
        failure = encoding_failure(error, parser, data)
        raise failure from failure.__cause__
    if isinstance(frame, str | bytes):
        return frame
    dispose(frame)
    return None
