"""`get_session`: reads the session of a spark, once, and that of a request."""

from __future__ import annotations

import asyncio
from typing import Any

from primus import Primus, Request, Spark
from primus.callables import is_awaitable

__all__ = ["Handshake", "get_session", "session_of_request"]


class Handshake:
    """A request as loaders see it that has no spark yet: with the members a spark has of it.

    Args:
        primus: the server.
        request: what asks for a connection.
    """

    def __init__(self, primus: Primus, request: Request) -> None:
        self.primus = primus
        self.request = request
        self.headers = request.headers
        self.query = request.query
        self.address = request.address


async def session_of_request(self: Any, request: Request) -> Any:
    """The session that the cookies of a request belong to: for authorization and middleware.

    Args:
        self: the Primus.
        request: the request. The loader gets a `Handshake` of it in place of a spark.

    Returns:
        What the loader gives: `None` without a valid session.

    Raises:
        Exception: whatever the store raises.
    """
    loaded = self._sessions(Handshake(self, request))
    return await loaded if is_awaitable(loaded) else loaded


async def get_session(spark: Spark, *, refresh: bool = False) -> Any:
    """The session that the cookies of the handshake belong to.

    It is read once for each connection; calls meanwhile wait for the same reading. A reading that
    fails is not remembered.

    Args:
        spark: the spark.
        refresh: whether to read it again.

    Returns:
        What the loader gives: of Connect what the store has, a mapping as a rule; `None` without a
        cookie, with one that is not validly signed, and for a session that is not there.

    Raises:
        Exception: whatever the store raises.
    """
    known: asyncio.Future[Any] | None = vars(spark).get("_session")
    if known is None or refresh or (known.done() and _has_failed(known)):
        known = asyncio.ensure_future(_load(spark))
        known.add_done_callback(_has_failed)  # a caller that was cancelled does not ask
        vars(spark)["_session"] = known
    return await asyncio.shield(known)


async def _load(spark: Any) -> Any:
    loaded = spark.primus._sessions(spark)
    return await loaded if is_awaitable(loaded) else loaded


def _has_failed(reading: asyncio.Future[Any]) -> bool:
    return reading.cancelled() or reading.exception() is not None
