"""What the tests of this folder ask with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from primus import Spark
from primus_testing import DEADLINE
from primus_testing.server import Answer, Running

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

    @asynccontextmanager
    async def stream(self, path: str, method: str = "POST") -> AsyncIterator[Stream]:
        """A request whose answer does not end by itself."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        url = f"{self.server.url}{SESSION}/{path}"
        async with self.server.http.request(method, url, timeout=timeout) as response:
            yield Stream(response)


class Stream:
    """An answer that is read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def read(self, text: str) -> None:
        """Read a piece, which must be `text`."""
        piece = await self.response.content.readexactly(len(text.encode()))
        assert piece.decode() == text

    async def end(self) -> None:
        """Read the end."""
        assert await self.response.content.read() == b""


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
