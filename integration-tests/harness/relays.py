"""A bad proxy: it loses answers, breaks off in the middle of them, or holds them back, when a test
says so."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from primus_testing.scripted import stop_accepting

__all__ = ["Relay", "relaying"]

CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


@dataclass
class Cut:
    """What becomes of the answer to one request."""

    method: str
    after: int
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Relay:
    """The proxy in front of a server. Each request has a connection of its own."""

    upstream: int
    """The port of the server, for requests from now on."""
    port: int = 0
    cuts: list[Cut] = field(default_factory=list)
    gate: Callable[[bytes], Awaitable[None]] | None = None
    """What answers to requests from now on wait for, called with the head of the request once the
    server has answered."""

    def cut(self, method: str, after: int = 0) -> asyncio.Event:
        """Break off the answer to the next request with this method.

        Args:
            method: GET or POST.
            after: how many bytes of the answer, with its head, still pass. With 0 nothing does,
                but the server has answered before the client loses its connection.

        Returns:
            What is set when that has happened.
        """
        self.cuts.append(Cut(method, after))
        return self.cuts[-1].done

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one request and its answer, or all that follows a WebSocket's handshake."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._pass(reader, writer)
        await leave(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\nupgrade:" not in head.lower():
            head = CONNECTION.sub(b"", head[:-4]) + b"\r\nConnection: close\r\n\r\n"
        behind, onward = await asyncio.open_connection("127.0.0.1", self.upstream)
        onward.write(head)
        asking = asyncio.ensure_future(pump(reader, onward))
        answering = asyncio.ensure_future(self._answer(behind, writer, head, self.gate))
        try:
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            answering.cancel()
            await leave(onward)

    async def _answer(
        self,
        behind: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: bytes,
        gate: Callable[[bytes], Awaitable[None]] | None,
    ) -> None:
        method = head.partition(b" ")[0].decode()
        cut = next((each for each in self.cuts if each.method == method), None)
        if cut is None:
            begun = await behind.read(65536)
            if gate is not None:
                await gate(head)
            writer.write(begun)
            await pump(behind, writer)
            return
        self.cuts.remove(cut)
        passed = 0
        while passed <= cut.after and (data := await behind.read(65536)):
            writer.write(data[: cut.after - passed])
            passed += len(data)
        await writer.drain()
        writer.transport.abort()
        cut.done.set()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until nothing more does."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def leave(writer: asyncio.StreamWriter) -> None:
    """Hang up."""
    writer.close()
    with contextlib.suppress(OSError):
        await asyncio.shield(writer.wait_closed())  # a task that is cancelled takes no other along


@contextlib.asynccontextmanager
async def relaying(upstream: int) -> AsyncIterator[Relay]:
    """Run one in front of the port ``upstream``."""
    relay = Relay(upstream)
    serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(relay.serve(reader, writer))
        serving[task] = writer
        task.add_done_callback(serving.pop)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        await stop_accepting(server)
        for task, writer in tuple(serving.items()):
            task.cancel()
            await leave(writer)
            await asyncio.wait({task})
