"""Two workers in one process, with a transformer whose sessions are a word and its echo."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio

from primus import Primus, Request, Response, Transformer
from primus.ids import new_key
from primus.workers.elsewhere import Elsewhere
from primus.workers.hatch import Hatch
from primus.workers.notes import path_of
from primus.workers.whereabouts import Place


class Parlour(Transformer):
    """``open`` gives a session; what is posted to it comes back, with the name of its worker."""

    name = "parlour"
    needs = frozenset({"http", "transport"})
    takes_transports = True

    def __init__(self, primus: Any) -> None:
        super().__init__(primus)
        self.sessions: set[str] = set()
        self.gone = asyncio.Event()

    def opens(self, request: Request) -> bool:
        return request.path == "/primus/open"

    def session_of(self, request: Request) -> str | None:
        return request.query.text("sid") or None

    def has_session(self, id: str) -> bool:
        return id in self.sessions

    async def request(self, request: Request) -> Response:
        node = self.primus.node
        if request.path == "/primus/open":
            self.sessions.add(sid := new_key(node))
            return Response(200, sid)
        if self.session_of(request) not in self.sessions:
            return Response.error(400, f"unknown at {node}")
        if request.path == "/primus/stream":
            return Response(200, self._stream(request))
        if request.path == "/primus/deaf":
            return Response(200, f"{node} has not read it")
        if request.path == "/primus/long":
            request.on_gone(self.gone.set)
            await self.gone.wait()
            return Response(200)
        body = await request.read()
        shown = f"{node} {request.address.ip} {request.secure} {request.headers.get('X-Word')} "
        return Response(200, shown.encode() + body, {"X-Node": node})

    async def _stream(self, request: Request) -> AsyncIterator[bytes]:
        request.on_gone(self.gone.set)
        yield b"first"
        yield b"x" * 300_000
        if request.query.text("endless"):
            await self.gone.wait()
        if request.query.text("cut"):
            request.drop()
        yield b"last"

    async def upgrade(self, request: Request) -> Response | None:
        if self.session_of(request) not in self.sessions:
            return Response.error(400, f"unknown at {self.primus.node}")
        handed = request.detach()
        echo = Echo(self.primus.node)
        handed.transport.set_protocol(echo)
        echo.connection_made(handed.transport)
        handed.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        if handed.early:
            echo.data_received(handed.early)
        handed.transport.resume_reading()
        return None


class Echo(asyncio.Protocol):
    """Sends back what comes, behind the name of its worker."""

    transport: asyncio.Transport

    def __init__(self, node: str) -> None:
        self.node = node

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(f"{self.node}:".encode() + data)


@dataclass
class Worker:
    """One of the workers."""

    primus: Primus
    elsewhere: Elsewhere
    hatch: Hatch
    place: Place

    @property
    def parlour(self) -> Any:
        return self.primus.transformer


@dataclass
class Pair:
    """Two workers, each on a port of its own, so that a test can choose which one a client gets."""

    folder: Path
    workers: list[Worker] = field(default_factory=list)

    async def add(self, node: str, **options: Any) -> Worker:
        """Start a worker."""
        place = Place(node, len(self.workers), 2, str(self.folder), "secret")
        made: list[Worker] = []

        def setup(primus: Primus) -> None:
            async def adopt(connection: socket.socket, early: bytes) -> None:
                assert primus.host is not None
                assert primus.host.server is not None
                await primus.host.server.adopt(connection, early)

            elsewhere = Elsewhere(primus, place)
            primus.elsewhere = elsewhere
            hatch = Hatch(primus, path_of(place.folder, node), adopt)
            hatch.open()
            made.append(Worker(primus, elsewhere, hatch, place))

        await Primus.create_server(
            host="127.0.0.1",
            transformer=Parlour,
            node=node,
            setup=setup,
            **{"iknowhttpsisbetter": True, **options},
        )
        self.workers += made
        return made[0]

    def introduce(self, *known: tuple[str, int, bool]) -> None:
        """Make the workers known to one another, or those that are given."""
        shown = known or [(w.place.node, w.place.slot, True) for w in self.workers]
        for worker in self.workers:
            worker.elsewhere.whereabouts.update(shown)


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two workers that know one another."""
    pair = Pair(tmp_path)
    await pair.add("w0")
    await pair.add("w1")
    pair.introduce()
    yield pair
    for worker in pair.workers:
        await worker.primus.destroy()
        worker.hatch.close()
