"""Listeners of a server under test."""

from __future__ import annotations

import asyncio
from typing import Any

from primus.server.primus import Primus
from primus.server.spark import Spark

__all__ = ["busy"]


def busy(primus: Primus) -> tuple[asyncio.Event, list[Any]]:
    """Replace the listeners of connections: each message waits until an event is set.

    Returns:
        The event, and the messages that have been taken.
    """
    gate, taken = asyncio.Event(), list[Any]()
    primus.off("connection")

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        @spark.on("data")
        async def data(message: Any) -> None:
            await gate.wait()
            taken.append(message)

    return gate, taken
