"""Sessions of aiohttp-session."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

__all__ = ["AiohttpSessions"]


class AiohttpSessions:
    """Loads the sessions of aiohttp-session.

    Args:
        storage: what the application has given to ``aiohttp_session.setup``. It gets a request that
            has ``cookies``, ``headers`` and ``query``, of the handshake.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    async def __call__(self, spark: Any) -> Any:
        """The session of a spark: an ``aiohttp_session.Session``; `None` when it is empty."""
        request = SimpleNamespace(
            cookies=spark.request.cookies, headers=spark.request.headers, query=spark.query
        )
        try:
            session = await self._storage.load_session(request)
        except UnicodeEncodeError:
            return None  # no storage has written a cookie that is no UTF-8
        return None if session.new or session.empty else session
