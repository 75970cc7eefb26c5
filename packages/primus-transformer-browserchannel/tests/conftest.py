"""What the tests of this folder ask with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from primus import Spark
from primus_testing.server import Answer, Running, StreamedAnswer

BIND = "/primus/bind?VER=8"
RID = 76310

Serve = Callable[..., Awaitable["Talk"]]


class Talk:
    """Speaks literal HTTP to a server whose sparks echo."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.primus = server.primus
        self.sid = ""
        self.rid = RID

    async def bind(self, query: str, method: str = "GET", **options: Any) -> Answer:
        """The answer to a request of any kind."""
        return await self.server.get(f"{BIND}&{query}", method, **options)

    async def open(self, body: str = "count=0", **options: Any) -> Spark:
        """A session that has been opened, and its spark."""
        before = set(self.primus)
        self.rid = RID
        answer = await self.bind(f"RID={RID}&zx=x&t=1", "POST", data=body, **options)
        assert answer.status == 200, answer
        self.sid = answer.text.split('"')[3]
        (spark,) = set(self.primus) - before
        return spark

    @property
    def session(self) -> Any:
        """The session at the server; `None` once it has ended."""
        return self.primus.transformer.sessions.get(self.sid)

    async def post(self, data: Any, rid: int = 0, aid: int = 0, **options: Any) -> Answer:
        """The answer to a post: the next one, unless a RID is given."""
        if not rid:
            self.rid = rid = self.rid + 1
        return await self.bind(f"SID={self.sid}&RID={rid}&AID={aid}", "POST", data=data, **options)

    async def poll(self, aid: int = 0, **options: Any) -> str:
        """The one chunk of a back channel."""
        query = f"RID=rpc&SID={self.sid}&CI=1&AID={aid}&TYPE=xmlhttp"
        return (await self.bind(query, **options)).text

    def back_channel(self, aid: int = 0) -> AbstractAsyncContextManager[StreamedAnswer]:
        """A back channel that streams."""
        query = f"RID=rpc&SID={self.sid}&CI=0&AID={aid}&TYPE=xmlhttp"
        return self.server.stream(f"{BIND}&{query}")


@pytest.fixture
def serve(primus_server: Callable[..., Awaitable[Running]]) -> Serve:
    """``await serve(**options)`` runs a server; ``transport`` options are given by their names."""

    async def serve(transport: dict[str, Any] | None = None, **options: Any) -> Talk:
        chosen = {"close_timeout": 0.01, **(transport or {})}
        server = await primus_server(transformer="browserchannel", transport=chosen, **options)
        server.primus.on("connection", lambda spark: spark.on("data", spark.write))
        return Talk(server)

    return serve
