"""Every event of the server and of a spark, printed as it happens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aiohttp import web

from primus import Primus, Spark

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus = Primus(app, timeout=10, ping_interval=5)


def show(name: str, event: str, *details: Any) -> None:
    """One line for one event."""
    print(f"{name:<8} {event:<18} {' '.join(str(detail) for detail in details)}", flush=True)


@primus.on("initialised")
def initialised() -> None:
    """The HTTP server has started. Listeners take as many arguments as they like."""
    show("primus", "initialised", primus.transformer_name, primus.parser_name)


@primus.on("connection")
async def connection(spark: Spark) -> None:
    """A new connection. A listener may be async: the messages wait until it is done."""
    show("primus", "connection", spark.id, dict(spark.query))
    spark.on("readyStateChange", lambda state: show("spark", "readyStateChange", state))
    spark.on("heartbeat", lambda: show("spark", "heartbeat"))
    spark.on("error", lambda error: show("spark", "error", error))
    spark.on("end", lambda: show("spark", "end"))
    spark.on("data", lambda message: received(spark, message))
    # A function that emits an event when it is called, to pass where a callback is taken.
    # The event is one of ours: names that Primus uses itself are reserved.
    greet = spark.emits("greeting", lambda name: f"Hello, {name}")
    spark.on("greeting", spark.write)
    assert not spark.reserved("greeting")
    assert spark.reserved("data")
    greet("new spark")


def received(spark: Spark, message: Any) -> None:
    """A message."""
    show("spark", "data", message)
    match message:
        case "fail":
            raise ValueError("a listener that fails: the spark gets an error, and lives on")
        case "end":
            spark.end("Ended for good")
        case "kick":
            spark.end("Come back", reconnect=True)
        case _:
            spark.write({"you said": message})


@primus.on("disconnection")
def disconnection(spark: Spark) -> None:
    """A connection has ended, whichever side ended it."""
    show("primus", "disconnection", spark.id)


@primus.on("close")
def close(options: dict[str, Any]) -> None:
    """The server is being destroyed; here, since the application stops."""
    show("primus", "close", options)


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
