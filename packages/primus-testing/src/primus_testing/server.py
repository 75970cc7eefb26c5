"""A Primus that runs on a free port for the length of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from primus.server.primus import Primus
from primus_testing.peer import Peer
from primus_testing.recorder import DEADLINE, eventually
from primus_testing.sites import SITES, Site

__all__ = ["Answer", "Running", "StreamedAnswer", "running"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server has answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


class StreamedAnswer:
    """An answer that does not end by itself, read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def read(self, text: str) -> None:
        """Read a piece, which must be `text`."""
        piece = await self.response.content.readexactly(len(text.encode()))
        assert piece.decode() == text

    async def end(self) -> None:
        """Read the end."""
        assert await self.response.content.read() == b""


@dataclass
class Running:
    """A Primus on an HTTP server of its own. ``url`` is without pathname."""

    primus: Primus
    site: Site
    host: str
    port: int
    http: aiohttp.ClientSession
    peers: list[Peer] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What a client connects to: ``http://127.0.0.1:40123``."""
        return f"http://{self.host}:{self.port}"

    async def get(self, path: str, method: str = "GET", **options: Any) -> Answer:
        """The answer to a plain request; `options` are those of aiohttp's client."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        url = self.url + path
        async with self.http.request(method, url, timeout=timeout, **options) as response:
            return Answer(response.status, response.headers, await response.text())

    @asynccontextmanager
    async def stream(self, path: str, method: str = "GET") -> AsyncIterator[StreamedAnswer]:
        """A request whose answer streams."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        async with self.http.request(method, self.url + path, timeout=timeout) as response:
            yield StreamedAnswer(response)

    async def peer(self, query: str = "", **dial: Any) -> Peer:
        """A peer that is connected by the client half of this server's transformer.

        Args:
            query: a query string, with its question mark.
            dial: more for `primus.transformer.DialOptions`.
        """
        url = self.url + self.primus.pathname + query
        peer = await Peer.open(type(self.primus.transformer), url, **dial)
        self.peers.append(peer)
        return peer

    async def stop(self) -> None:
        """Destroy the Primus, then stop the HTTP server."""
        for peer in self.peers:
            peer.abort()
        async with asyncio.timeout(DEADLINE):
            await self.http.close()
            await self.primus.destroy()
            await self.site.stop()


@asynccontextmanager
async def running(
    app: Any = None, host: str = "127.0.0.1", *, on: str | type[Site] = "aiohttp", **options: Any
) -> AsyncIterator[Running]:
    """Run a Primus on a free port.

    Args:
        app: an application to attach to; by default one with routes of its own, see
            `primus_testing.sites`.
        host: the address to listen on.
        on: the kind of host: ``aiohttp``, ``own`` as `Primus.create_server` makes it, ``asgi``,
            ``uvicorn`` with the WebSockets of `primus.uvicorn`, or ``wrapped`` where those have an
            application to call; the last three need uvicorn. Or a class of yours that makes one.
        options: those of `Primus`.

    Raises:
        AssertionError: at the end, when it leaves sparks or tasks behind.
    """
    before = asyncio.all_tasks()
    kind = SITES[on] if isinstance(on, str) else on
    app = kind.application() if app is None else app
    primus = Primus(app, **options)
    site = kind(primus, app)
    port = await site.start(host)
    shown = f"[{host}]" if ":" in host else host
    # What is asked is asked on a connection of its own, so that none is kept open, and plainly: to
    # compress the client costs a server more than all else that a test asks of it.
    http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True), headers={"Accept-Encoding": "identity"}
    )
    server = Running(primus, site, shown, port, http)
    try:
        yield server
    finally:
        await server.stop()
    assert not len(primus), f"{len(primus)} sparks are left of a Primus that was destroyed"
    try:
        await eventually(lambda: not _started_since(before))
    except AssertionError:
        left = _started_since(before)
        raise AssertionError(f"a Primus that was destroyed leaves tasks: {left}") from None


def _started_since(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - before - {asyncio.current_task()}
