"""A lobby: each page sees which users are there, with however many tabs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aiohttp import web

from primus import Primus

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus: Any = Primus(app, plugin="backplane, presence", presence_grace=1.0)


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


@primus.on("connection")
def connection(spark: Any) -> None:
    """Let a user be in the lobby, by the name in the query: a real one comes with a login."""
    name = spark.query.text("name")[:40] or "a guest"
    primus.presence.track(spark, "lobby", user=name, info={"mood": "fine"})

    @spark.on("data")
    def data(message: Any) -> None:
        """Tell of the mood of the user."""
        if isinstance(message, dict) and isinstance(mood := message.get("mood"), str):
            primus.presence.track(spark, "lobby", user=name, info={"mood": mood[:40]})


@primus.presence.on("leave")
def left(user: str, info: Any, room: str) -> None:
    """Print which user has left."""
    print(f"{user} has left {room}", flush=True)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
