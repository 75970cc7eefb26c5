"""HTTP servers that tests run applications on, one for each kind of host.

Their applications answer ``/original`` with ``original listener``, and send back in capitals what
comes over the WebSocket at ``/own``: so a test sees what is left to the application.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, ClassVar

from aiohttp import web

from primus.server.hosts.aiohttp import AiohttpHost
from primus.server.listen import Listening, OwnServer
from primus.server.primus import Primus
from primus_testing.recorder import DEADLINE, eventually

PATIENCE = 2.0
"""Seconds that WebSockets get to finish closing before uvicorn shuts them down."""

__all__ = ["SITES", "AiohttpSite", "AsgiSite", "OwnSite", "Site", "UvicornSite"]


class Site(ABC):
    """A server on a free port.

    Args:
        primus: what it serves.
        app: the application that the Primus is attached to.
    """

    def __init__(self, primus: Primus, app: Any) -> None:
        self.primus = primus
        self.app = app

    @staticmethod
    @abstractmethod
    def application() -> Any:
        """An application to attach to."""

    @abstractmethod
    async def start(self, address: str, port: int = 0) -> int:
        """Listen at that address; the port, which is a free one for 0."""

    @abstractmethod
    async def stop(self) -> None:
        """Shut the application down, then the server. Calling it again does nothing."""


class AiohttpSite(Site):
    """aiohttp.

    Args:
        primus: what it serves.
        app: the application that the Primus is attached to.
        tls: the server's side of TLS, if it speaks that.
    """

    def __init__(
        self, primus: Primus, app: web.Application, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(primus, app)
        self.tls = tls
        # Lingering is for the rest of a body that was refused, even when its client has gone.
        self.runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, lingering_time=0.1, keepalive_timeout=1
        )

    @staticmethod
    def application() -> web.Application:
        """Two routes."""

        async def original(request: web.Request) -> web.Response:
            return web.Response(text="original listener")

        async def own(request: web.Request) -> web.WebSocketResponse:
            opened = web.WebSocketResponse()
            await opened.prepare(request)
            async for message in opened:
                await opened.send_str(message.data.upper())
            return opened

        app = web.Application()
        app.router.add_get("/original", original)
        app.router.add_get("/own", own)
        return app

    async def start(self, address: str, port: int = 0) -> int:
        """Listen."""
        await self.runner.setup()
        await web.TCPSite(self.runner, address, port, ssl_context=self.tls).start()
        return int(self.runner.addresses[0][1])

    async def stop(self) -> None:
        """Clean up, which shuts the application down."""
        await self.runner.cleanup()


class OwnSite(AiohttpSite):
    """aiohttp behind the entrance of `Primus.create_server`."""

    async def start(self, address: str, port: int = 0) -> int:
        """Listen."""
        assert isinstance(self.primus.host, AiohttpHost)
        server = OwnServer()
        server.serve(self.primus, self.app)
        self.primus.host.own(server)
        await server.start(Listening(address, port), self.tls)
        self.primus.initialise()
        return server.port

    async def stop(self) -> None:
        """Destroy the Primus, which stops its server."""
        await self.primus.destroy(reconnect=True)


class AsgiSite(Site):
    """uvicorn, in the loop of the test. It has to be installed."""

    websockets: ClassVar[str] = "auto"
    """Which of its WebSocket implementations to run."""

    settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """More options for its ``Config``, or others in place of those here."""

    def __init__(self, primus: Primus, app: Any) -> None:
        super().__init__(primus, app)
        self.served: Callable[..., Awaitable[None]] = primus.asgi
        """The application that it runs, which a test may put middleware around."""

    @staticmethod
    def application() -> Callable[..., Awaitable[None]]:
        """An application of no framework."""
        return _application

    @property
    def state(self) -> Any:
        """uvicorn's connections and tasks."""
        return self._server.server_state

    async def start(self, address: str, port: int = 0) -> int:
        """Start up and listen."""
        import uvicorn

        chosen: dict[str, Any] = {
            "ws": self.websockets,
            "http": "h11",  # with httptools, where it is installed, heads have no bound
            "lifespan": "on",
            "log_config": None,
            "access_log": False,
            "proxy_headers": False,
            "server_header": False,
        }
        config = uvicorn.Config(self.served, **{**chosen, **self.settings})
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # asyncio sets TCP_NODELAY on what is TCP by name, and without it answers take 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
        await self._server.startup(sockets=[listener])
        self._stopped = False
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """What uvicorn does at its shutdown, but without its pauses."""
        if self._stopped:
            return
        self._stopped = True
        state = self._server.server_state
        for listening in self._server.servers:
            listening.close()
        with suppress(AssertionError):  # of a peer that does not answer
            await eventually(lambda: not any(map(_is_closing, state.connections)), PATIENCE)
        for connection in tuple(state.connections):
            connection.shutdown()
        await eventually(lambda: not state.connections and not state.tasks)
        async with asyncio.timeout(DEADLINE):
            await self._server.lifespan.shutdown()


class UvicornSite(AsgiSite):
    """uvicorn with the WebSockets of `primus.uvicorn`."""

    websockets = "primus.uvicorn:WebSockets"


def _is_closing(connection: Any) -> bool:
    """Whether it is a WebSocket that has sent its close frame and waits for that of the peer."""
    return getattr(connection, "close_sent", False)


SITES: dict[str, type[Site]] = {
    "aiohttp": AiohttpSite,
    "own": OwnSite,
    "asgi": AsgiSite,
    "uvicorn": UvicornSite,
}
"""The kinds of host by their names."""


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError("no lifespan here")
    if scope["type"] == "websocket":
        await receive()
        if scope["path"] == "/own":
            await _own(receive, send)
        else:
            await _answer(send, "websocket.http", 404, b"not found")
            for _ in ("of the answer", "of the connection"):
                await receive()  # else uvicorn 0.54 logs that the handshake is incomplete
    elif scope["path"] == "/original":
        await _answer(send, "http", 200, b"original listener")
    else:
        await _answer(send, "http", 404, b"not found")


async def _answer(send: Any, kind: str, status: int, body: bytes) -> None:
    await send({"type": f"{kind}.response.start", "status": status, "headers": []})
    await send({"type": f"{kind}.response.body", "body": body})


async def _own(receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"].upper()})
