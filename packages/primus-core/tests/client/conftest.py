"""A client on wires in memory, with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from primus import Socket, Transformer
from primus.client.socket import SOCKET_EVENTS
from primus.client.socket_class import socket_class
from primus.connection import Connection
from primus.parser import Parser
from primus.parsers.json import primus_parser
from primus.transformer import Connector, DialOptions
from primus_testing import ManualClock, MemoryTransport, Recorder


class Dialler(Connector):
    """Opens wires in memory, or does what `answer` says: an error to raise, `None` to hang."""

    def __init__(self) -> None:
        self.dials: list[DialOptions] = []
        self.wires: list[MemoryTransport] = []
        self.given_up = 0
        self.answer: Exception | bool | None = True

    async def open(self, dial: DialOptions, connection: Connection) -> MemoryTransport:
        self.dials.append(dial)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.given_up += 1
        wire = MemoryTransport()
        wire.pause_reading()
        connection.attach(wire)
        self.wires.append(wire)
        return wire


class Story(Recorder):
    """All events of a socket but ``data`` and ``readyStateChange``."""

    def __init__(self, socket: Socket) -> None:
        super().__init__(socket, *sorted(SOCKET_EVENTS - {"data", "readyStateChange"}))


class Stage:
    """Makes sockets and plays their server."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.dialler = Dialler()
        self.sockets: list[Socket] = []

    def kind(self, parser: Parser | None = None, **facts: Any) -> type[Socket]:
        """A socket class on the dialler."""
        dialler = self.dialler

        class Memory(Transformer):
            @classmethod
            def connector(cls) -> Connector:
                return dialler

        facts = {"plugins": {}, **facts}
        return socket_class(Socket, transformer=Memory, parser=parser or primus_parser(), **facts)

    def make(
        self,
        url: str = "http://server",
        facts: dict[str, Any] | None = None,
        parser: Parser | None = None,
        **options: Any,
    ) -> Socket:
        """A socket that opens on the next turn."""
        options = {"clock": self.clock, "network": False, **options}
        socket = self.kind(parser, **facts or {})(url, **options)
        self.sockets.append(socket)
        return socket

    async def opened(self, *args: Any, **options: Any) -> tuple[Socket, MemoryTransport]:
        """A socket that is open, and its wire."""
        socket = await self.make(*args, **options).opened()
        return socket, self.wire

    @property
    def wire(self) -> MemoryTransport:
        """The wire that was opened last."""
        return self.dialler.wires[-1]

    async def settle(self) -> None:
        """Let everything run that needs no time."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Move the clock, and let everything run that this has started."""
        self.clock.advance(seconds)
        await self.settle()


@pytest_asyncio.fixture
async def stage(manual_clock: ManualClock) -> AsyncIterator[Stage]:
    """After the test no timer, no task and no exception is left of its sockets."""
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    stage = Stage(manual_clock)
    yield stage
    for socket in stage.sockets:
        socket.destroy()
    await stage.settle()
    gc.collect()
    assert manual_clock.pending == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert problems == []


@pytest.fixture
def story() -> Callable[[Socket], Story]:
    """Makes the `Story` of a socket."""
    return Story
