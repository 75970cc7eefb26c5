"""One end of a connection: the one message path of `Spark` and `Socket`, with its two queues."""

from __future__ import annotations

from primus.connection.connection import CLOSED, FRAME, OPEN, OPENING, Connection

__all__ = ["CLOSED", "FRAME", "OPEN", "OPENING", "Connection"]
