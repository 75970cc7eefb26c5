"""What the tests of this folder ask with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from primus import Spark
from primus_testing.server import Answer, Running, StreamedAnswer

SESSION = "/primus/000/abcdefgh"

Serve = Callable[..., Awaitable["Talk"]]


class Talk:
    """Speaks literal HTTP to a server whose sparks echo."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.primus = server.primus

    async def post(self, path: str, data: Any = b"", **options: Any) -> Answer:
        """The answer to a POST below the session."""
        return await self.server.get(f"{SESSION}/{path}", "POST", data=data, **options)

    async def get(self, path: str, **options: Any) -> Answer:
        """The answer to a GET below the session."""
        return await self.server.get(f"{SESSION}/{path}", **options)

    async def poll(self) -> str:
        """What the next poll is answered."""
        return (await self.post("xhr")).text

    async def open(self) -> Spark:
        """A session that has been opened by a poll, and its spark."""
        before = set(self.primus)
        assert await self.poll() == "o\n"
        (spark,) = set(self.primus) - before
        return spark

    async def open_again(self) -> int:
        """Poll a session that is open for a message; how many sparks there are."""
        self.primus.write(0)
        assert await self.poll() == 'a["0"]\n'
        return len(self.primus)

    def stream(
        self, path: str, method: str = "POST"
    ) -> AbstractAsyncContextManager[StreamedAnswer]:
        """A request whose answer does not end by itself."""
        return self.server.stream(f"{SESSION}/{path}", method)


@pytest.fixture
def serve(primus_server: Callable[..., Awaitable[Running]]) -> Serve:
    """``await serve(**options)`` runs a server; ``transport`` options are given by their names."""

    async def serve(transport: dict[str, Any] | None = None, **options: Any) -> Talk:
        chosen = {"close_timeout": 0.01, **(transport or {})}
        server = await primus_server(transformer="sockjs", transport=chosen, **options)
        server.primus.on("connection", lambda spark: spark.on("data", spark.write))
        return Talk(server)

    return serve


async def turns(count: int = 20) -> None:
    """Let the event loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)
