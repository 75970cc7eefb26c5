"""Rooms: a client that looks at a topic gets its messages, and sees which people are in it."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from primus_emit import EmitterPrimus, EmitterSpark
from primus_rooms import RoomsPrimus, RoomsSpark

PAGE = Path(__file__).with_name("index.html")
TOPICS = ("cats", "trains", "weather")


class Reader(RoomsSpark, EmitterSpark):
    """The spark of a client, and the topic that it looks at."""

    topic: str | None = None


class Topics(RoomsPrimus[Reader], EmitterPrimus[Reader]):
    """The server, with the members of its plugins."""


app = web.Application()
primus = Topics(app, plugin="rooms, emitter")


@primus.on("connection")
def connection(spark: Reader) -> None:
    """A new page looks at nothing yet."""
    spark.send("topics", TOPICS)


@primus.on_spark("look")
def look(spark: Reader, topic: object) -> int | None:
    """A client looks at a topic; the answer is how many do. Which there are, the server says."""
    if not isinstance(topic, str) or topic not in TOPICS:
        return None
    spark.leave_all()
    spark.join(topic)
    spark.topic = topic
    return readers(topic)


@primus.on_spark("say")
def say(spark: Reader, text: object) -> int:
    """A client says something; the answer is how many others it has been sent to."""
    if spark.topic is None or not isinstance(text, str):
        return 0
    return spark.room(spark.topic).except_(spark).send("said", spark.topic, text[:200])


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
    primus.room(topic).send("looking", topic, readers(topic))


def readers(topic: str) -> int:
    """How many clients look at a topic."""
    return len(primus.clients(topic))


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
