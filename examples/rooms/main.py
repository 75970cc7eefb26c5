"""Rooms: a client that looks at a topic gets its messages, and the number of its readers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aiohttp import web

from primus import Primus

PAGE = Path(__file__).with_name("index.html")
TOPICS = ("cats", "trains", "weather")

app = web.Application()
primus: Any = Primus(app, plugin="rooms")


@primus.on("connection")
def connection(spark: Any) -> None:
    """A new page looks at nothing yet."""
    spark.write({"topics": TOPICS})
    spark.on("data", lambda message: received(spark, message))


def received(spark: Any, message: Any) -> None:
    """A client asks for something. Which rooms there are is for the server to say."""
    match message:
        case {"look": str(topic)} if topic in TOPICS:
            spark.leave_all()
            spark.join(topic)
        case {"say": str(text)}:
            for topic in spark.rooms():
                spark.room(topic).except_(spark).write({"about": topic, "said": text[:200]})


@primus.on("joinroom")
def joined(topic: str) -> None:
    """A client looks at a topic: all its readers are told how many they are."""
    count(topic)


@primus.on("leaveallrooms")
def left(topics: list[str]) -> None:
    """A client looks elsewhere, or has gone."""
    for topic in topics:
        count(topic)


def count(topic: str) -> None:
    """Encoded once, however many there are."""
    primus.room(topic).write({"about": topic, "looking": len(primus.room(topic).clients())})


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
