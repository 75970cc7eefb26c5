"""Writing to many sparks: encoded once and framed once, where nothing looks at the spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from primus.callables import dispose
from primus.parser import Parser, encoded
from primus.pipeline import Pipeline
from primus.protocol import check_message
from primus.server.spark import Spark

__all__ = ["broadcast"]


def broadcast(
    sparks: Iterable[Spark],
    data: Any,
    parser: Parser,
    pipeline: Pipeline,
    fail: Callable[[Exception], None],
) -> None:
    """Write `data` to each of `sparks`.

    With an outgoing transform or an async parser every spark goes its own way, as if `Spark.write`
    were called on each. Data that cannot be encoded is one error, and `fail` is told of it.

    Raises:
        ControlTextError: `data` is text that peers obey; no spark is written to.
    """
    frame = None
    if not pipeline.outgoing:
        check_message(data)
        try:
            frame = _frame(parser, data)
        except Exception as error:
            fail(error)
            return
    if frame is None:
        for spark in sparks:
            spark.write(data)
    elif frame != "":
        prepared: dict[Any, Any] = {}
        for spark in sparks:
            spark.relay(frame, prepared)


def _frame(parser: Parser, data: Any) -> str | bytes | None:
    """The frame that is the same for every spark, or `None` when it has to be awaited.

    Raises:
        Exception: `data` cannot be encoded.
    """
    frame: Any = encoded(parser.encode, data)
    if isinstance(frame, str | bytes):
        return frame
    dispose(frame)
    return None
