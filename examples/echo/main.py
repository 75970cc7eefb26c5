"""The smallest server: every message goes back to where it came from."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from primus import Primus, Spark

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus = Primus(app, transformer="websockets", parser="json")


@primus.on("connection")
def connection(spark: Spark) -> None:
    """A client has connected."""
    print("connected:", spark.id, "from", spark.address.ip)

    @spark.on("data")
    def data(message: object) -> None:
        spark.write({"echo": message})

    @spark.on("end")
    def end() -> None:
        print("gone:", spark.id)


async def index(request: web.Request) -> web.FileResponse:
    """The page, which is no business of Primus."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
