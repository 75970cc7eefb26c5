"""A server whose messages are compressed, with a parser of its own."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from primus import Primus, Spark
from zipped import ZippedJSON

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus = Primus(app, parser=ZippedJSON())


@primus.on("connection")
def connection(spark: Spark) -> None:
    """A client has connected."""

    @spark.on("data")
    def data(message: object) -> None:
        spark.write({"echo": message})

    @spark.on("error")
    def error(problem: Exception) -> None:
        print("no message of ours:", problem)


async def index(request: web.Request) -> web.FileResponse:
    """The page, which is no business of Primus."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
