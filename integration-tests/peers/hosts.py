"""What our server runs on: aiohttp, a server of its own, or uvicorn with a bare application."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from primus import Primus
from primus.server.hosts.aiohttp import AiohttpHost
from primus.server.listen import Listening, OwnServer

Pages = Mapping[str, tuple[str, str]]
"""Content type and text by path."""

PATIENCE = 2.0
"""Seconds that clients get to finish closing."""

Stop = Callable[[], Awaitable[None]]


class Aiohttp:
    """An aiohttp application with some pages."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.app = web.Application()
        for path in pages:
            self.app.router.add_get(path, self.page)

    async def page(self, request: web.Request) -> web.Response:
        content_type, text = self.pages[request.path]
        return web.Response(text=text, content_type=content_type)

    async def start(self, primus: Primus, port: int) -> tuple[int, Stop]:
        """Listen on loopback; the port, and what ends it."""
        # aiohttp waits so long for a client that connected in the very turn in which it stops
        runner = web.AppRunner(self.app, shutdown_timeout=PATIENCE)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return int(runner.addresses[0][1]), runner.cleanup


class Own(Aiohttp):
    """The same application on a server as `Primus.create_server` makes it."""

    async def start(self, primus: Primus, port: int) -> tuple[int, Stop]:
        """Listen on loopback; the port, and what ends it."""
        assert isinstance(primus.host, AiohttpHost)
        server = OwnServer()
        server.serve(primus, self.app)
        primus.host.own(server)
        await server.start(Listening("127.0.0.1", port), None)
        primus.initialise()

        async def stop() -> None:
            await primus.destroy(reconnect=True)

        return server.port, stop


class Uvicorn:
    """An ASGI application with some pages."""

    websockets = "auto"
    requests = "h11"
    """Not httptools, which uvicorn prefers where it is installed: that bounds no head."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.app = self.page

    async def page(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "it knows neither lifespan nor WebSockets"
        content_type, text = self.pages.get(scope["path"], ("text/plain", "not found"))
        status = 200 if scope["path"] in self.pages else 404
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    async def start(self, primus: Primus, port: int) -> tuple[int, Stop]:
        """Listen on loopback; the port, and what ends it."""
        import uvicorn

        config = uvicorn.Config(
            primus.asgi,
            ws=self.websockets,
            http=self.requests,
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        listener = socket.create_server(("127.0.0.1", port))
        await server.startup(sockets=[listener])

        async def stop() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while any(map(is_closing, server.server_state.connections)):
                        await asyncio.sleep(0)
            await server.shutdown(sockets=[listener])

        return int(listener.getsockname()[1]), stop


class UvicornHandsOver(Uvicorn):
    """uvicorn with the WebSockets and the requests of `primus.uvicorn`."""

    websockets = "primus.uvicorn:WebSockets"
    requests = "primus.uvicorn:Requests"


def is_closing(connection: Any) -> bool:
    """Whether it is a WebSocket that waits for the close frame of its peer."""
    return getattr(connection, "close_sent", False)


HOSTS: dict[str, type[Aiohttp | Uvicorn]] = {
    "aiohttp": Aiohttp,
    "own": Own,
    "uvicorn": Uvicorn,
    "uvicorn-primus": UvicornHandsOver,
}
