"""Numbers to a room with history: a page that was away gets those that it has missed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from aiohttp import web

from primus import Primus

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus: Any = Primus(
    app,
    plugin="rooms, backplane, recovery",
    rooms={"history": {"ticks": "cache"}},
    recovery_rooms=True,
)


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


@primus.on("connection")
def connection(spark: Any) -> None:
    """Let a client be in the room; one that is back was put there again already."""
    spark.join("ticks")

    @spark.on("data")
    def data(message: Any) -> None:
        """Cut the connection, as a bad network does."""
        if message == "cut":
            spark.abort()


async def tick(app: web.Application) -> Any:
    """Count while the server runs."""

    async def count() -> None:
        number = 0
        while True:
            await asyncio.sleep(0.2)
            primus.room("ticks").write(number := number + 1)

    counting = asyncio.create_task(count())
    yield
    counting.cancel()


app.router.add_get("/", index)
app.cleanup_ctx.append(tick)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
