"""Votes: events with acknowledgements, and one event for every client."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from primus import Primus

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus: Any = Primus(app, plugin="emitter")
votes = {"tea": 0, "coffee": 0}


@primus.on("connection")
def connection(spark: Any) -> None:
    """A new page: it hears the votes so far, and may vote."""
    spark.send("votes", votes)
    spark.on("vote", vote)


def vote(choice: Any, ack: Callable[..., bool] | None) -> None:
    """A client votes. What a client sends may be anything."""
    if not isinstance(choice, str) or choice not in votes:
        number = None
    else:
        votes[choice] += 1
        number = sum(votes.values())
        primus.send("votes", votes)
    if ack:
        ack(number)


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
