"""Writing to many sparks: encoded once and framed once, where nothing looks at the spark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from primus.pipeline import dispose
from primus.protocol import check_message, escape_separators

if TYPE_CHECKING:
    from primus.parser import Parser
    from primus.pipeline import Pipeline
    from primus.server.spark import Spark

__all__ = ["broadcast"]


def broadcast(sparks: Iterable[Spark], data: Any, parser: Parser, pipeline: Pipeline) -> None:
    """Write `data` to each of `sparks`.

    With an outgoing transform, an async parser, or data that cannot be encoded, every spark
    goes its own way, as if `Spark.write` were called on each.

    Raises:
        ControlTextError: `data` is text that peers obey; no spark is written to.
    """
    if not pipeline.outgoing:
        check_message(data)
    frame = None if pipeline.outgoing else _frame(parser, data)
    if frame is None:
        for spark in sparks:
            spark.write(data)
    elif frame != "":
        prepared: dict[Any, Any] = {}
        for spark in sparks:
            spark.relay(frame, prepared)


def _frame(parser: Parser, data: Any) -> str | bytes | None:
    """The frame that is the same for every spark, or `None` when there is none."""
    try:
        frame = parser.encode(data)
    except Exception:
        return None  # each spark's own write fails alike, and emits its error
    if isinstance(frame, str):
        return escape_separators(frame)
    if isinstance(frame, bytes):
        return frame
    dispose(frame)
    return None
