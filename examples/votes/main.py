"""Votes: events with acknowledgements, and one event for every client."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from primus_emit import EmitterPrimus, EmitterSpark

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus = EmitterPrimus[EmitterSpark](app, plugin="emitter")
votes = {"tea": 0, "coffee": 0}


@primus.on("connection")
def connection(spark: EmitterSpark) -> None:
    """A new page: it hears the votes so far."""
    spark.send("votes", votes)


@primus.on_spark("vote")
def vote(spark: EmitterSpark, choice: object) -> int | None:
    """A client votes; the answer is the number of the vote. What a client sends may be anything."""
    if not isinstance(choice, str) or choice not in votes:
        return None
    votes[choice] += 1
    primus.send("votes", votes)
    return sum(votes.values())


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
