"""An aiohttp application with routes and websockets of its own, and Primus beside them."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from primus import Primus, Spark

PAGE = Path(__file__).with_name("index.html")
LATEST = 10

NEWS: web.AppKey[list[str]] = web.AppKey("news")
PRIMUS: web.AppKey[Primus] = web.AppKey("primus")

routes = web.RouteTableDef()


@routes.get("/")
async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


@routes.get("/news")
async def news(request: web.Request) -> web.Response:
    """The latest news, for clients that poll."""
    return web.json_response(request.app[NEWS])


@routes.post("/news")
async def publish(request: web.Request) -> web.Response:
    """Something has happened: send it to every connection at once."""
    text = (await request.text()).strip()[:500]
    if not text:
        raise web.HTTPBadRequest(text="an empty text is no news")
    latest = request.app[NEWS]
    latest.append(text)
    del latest[:-LATEST]
    request.app[PRIMUS].write({"news": text})
    return web.json_response({"readers": request.app[PRIMUS].connected}, status=201)


@routes.get("/shout")
async def shout(request: web.Request) -> web.WebSocketResponse:
    """A websocket of the application's own, which has nothing to do with Primus."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is web.WSMsgType.TEXT:
            await socket.send_str(message.data.upper())
    return socket


def make_app() -> web.Application:
    """The application. Primus is attached before it starts, and stops with it."""
    app = web.Application()
    app.add_routes(routes)
    app[NEWS] = []
    primus = app[PRIMUS] = Primus(app, pathname="/live")

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        for text in app[NEWS]:
            spark.write({"news": text})

    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="localhost", port=int(os.environ.get("PORT", "8080")))
