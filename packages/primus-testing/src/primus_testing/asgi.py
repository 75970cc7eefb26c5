"""The server's side of ASGI without a server: every event is given and taken by hand.

    async with AsgiServer(primus.asgi) as server:
        answer = await server.get("/primus/spec")
        socket = server.websocket("/primus")

Nothing is checked or repaired on the way, so an application sees exactly what a test has sent,
and in the order in which it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Self
from urllib.parse import unquote

from multidict import CIMultiDict

from primus_testing.recorder import DEADLINE
from primus_testing.server import Answer

__all__ = ["AsgiExchange", "AsgiServer"]

Event = MutableMapping[str, Any]
Pairs = Iterable[tuple[str, str]]


class AsgiExchange:
    """One call of the application: what it is sent, and what it answers."""

    def __init__(self, app: Callable[..., Awaitable[None]], scope: Event) -> None:
        self.scope = scope
        self.waiting = asyncio.Event()
        """Set while the application waits for an event that has not been sent yet."""
        self.gone = False
        """Set it, and what the application sends is an `OSError`, as ASGI 2.4 has it."""
        self.takes = True
        """Clear it, and what the application sends waits, as for a client that reads nothing."""
        self._to_app: asyncio.Queue[Event] = asyncio.Queue()
        self._from_app: asyncio.Queue[Event] = asyncio.Queue()
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> Event:
        if self._to_app.empty():
            self.waiting.set()
        event = await self._to_app.get()
        self.waiting.clear()
        return event

    async def _send(self, event: Event) -> None:
        if self.gone:
            raise BrokenPipeError("the client has gone")
        if not self.takes:
            await asyncio.Event().wait()
        await self._from_app.put(event)

    def send(self, kind: str, **fields: Any) -> None:
        """Send an event to the application."""
        self._to_app.put_nowait({"type": kind, **fields})

    async def next(self, kind: str) -> Event:
        """The application's next event, which must be of that type."""
        async with asyncio.timeout(DEADLINE):
            event = await self._from_app.get()
        assert event["type"] == kind, event
        return event

    async def answer(self) -> Answer:
        """The whole answer to a request, or to a WebSocket that was refused."""
        prefix = "http" if self.scope["type"] == "http" else "websocket.http"
        head = await self.next(f"{prefix}.response.start")
        body, more = b"", True
        while more:
            part = await self.next(f"{prefix}.response.body")
            body += part.get("body", b"")
            more = part.get("more_body", False)
        headers = CIMultiDict((name.decode(), value.decode()) for name, value in head["headers"])
        return Answer(head["status"], headers, body.decode())

    async def end(self) -> list[Event]:
        """Wait until the application has returned; the events that were not taken."""
        async with asyncio.timeout(DEADLINE):
            await self.task
        return [self._from_app.get_nowait() for _ in range(self._from_app.qsize())]


class AsgiServer:
    """A server that runs one application.

    Args:
        app: the application.
        root_path: where it is mounted, as servers and frameworks tell it.
        refusals: whether the server lets a WebSocket be refused with an answer of its own.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        root_path: str = "",
        refusals: bool = True,
    ) -> None:
        self.app = app
        self.root_path = root_path
        self.refusals = refusals
        self.lifespan: AsgiExchange | None = None

    async def __aenter__(self) -> Self:
        """Start up, as servers do before they take a request."""
        self.lifespan = AsgiExchange(self.app, {"type": "lifespan", "asgi": {"version": "3.0"}})
        self.lifespan.send("lifespan.startup")
        await self.lifespan.next("lifespan.startup.complete")
        return self

    async def __aexit__(self, *error: object) -> None:
        """Shut down."""
        assert self.lifespan is not None
        self.lifespan.send("lifespan.shutdown")
        await self.lifespan.next("lifespan.shutdown.complete")
        await self.lifespan.end()

    def call(self, kind: str, target: str, headers: Pairs = (), **scope: Any) -> AsgiExchange:
        """Call the application for a request.

        Args:
            kind: ``http`` or ``websocket``.
            target: path and query string, as they are on the wire.
            headers: names and values.
            scope: further keys of the scope, or others in place of those made here.
        """
        raw, _, query = target.partition("?")
        made = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "http" if kind == "http" else "ws",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": self.root_path,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        }
        return AsgiExchange(self.app, {**made, **scope})

    def request(
        self, method: str, target: str, headers: Pairs = (), body: bytes = b"", **scope: Any
    ) -> AsgiExchange:
        """A request that is complete; its answer is still to come."""
        exchange = self.call("http", target, headers, method=method, **scope)
        exchange.send("http.request", body=body, more_body=False)
        return exchange

    async def get(self, target: str, headers: Pairs = (), **scope: Any) -> Answer:
        """The answer to a GET, after which the application returns."""
        exchange = self.request("GET", target, headers, **scope)
        answer = await exchange.answer()
        assert await exchange.end() == []
        return answer

    def websocket(
        self, target: str, headers: Pairs = (), subprotocols: Iterable[str] = (), **scope: Any
    ) -> AsgiExchange:
        """A WebSocket that asks to be opened."""
        extensions = ["websocket.http.response"] if self.refusals else []
        offered = {
            "subprotocols": list(subprotocols),
            "extensions": {name: {} for name in extensions},
        }
        exchange = self.call("websocket", target, headers, **{**offered, **scope})
        exchange.send("websocket.connect")
        return exchange
