"""The pytest plugin: fixtures for tests of what extends Primus."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

import primus_testing.assertions  # noqa: F401, before any contract is imported
from primus.server.primus import Primus
from primus_testing.clock import ManualClock
from primus_testing.network import MemoryTransformer
from primus_testing.server import Running, running
from primus_testing.tracebacks import Tracebacks

__all__ = [
    "MakePrimus",
    "MakeSocket",
    "ServerFactory",
    "make_primus",
    "make_socket",
    "manual_clock",
    "primus",
    "primus_server",
    "tracebacks",
]

async_fixture: Callable[..., Any] = pytest.fixture
try:
    import pytest_asyncio
except ImportError:
    pass  # another plugin, such as that of anyio, runs what is async
else:
    async_fixture = pytest_asyncio.fixture

ServerFactory = Callable[..., Awaitable[Running]]
"""``await primus_server(**options)`` gives a `Running`."""

MakePrimus = Callable[..., Any]
"""``make_primus(plugin, **options)`` gives a `Primus` in memory."""

MakeSocket = Callable[..., Any]
"""``make_socket(**options)`` gives a `Socket` of the fixture `primus`."""


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock for the option ``clock`` of a Primus or a Socket."""
    return ManualClock()


@pytest.fixture
def tracebacks() -> Iterator[Tracebacks]:
    """What is logged as an error; the test fails for what it has not expected."""
    handler = Tracebacks()
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    handler.check()


@async_fixture
async def primus_server(tracebacks: Tracebacks) -> AsyncIterator[ServerFactory]:
    """Starts servers on free ports, with the arguments of `running`.

    They are destroyed after the test, which fails when sparks or tasks are left, or when
    errors were logged that it has not expected by the fixture `tracebacks`.
    """
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Running:
            return await stack.enter_async_context(running(**options))

        yield start


@async_fixture
async def make_primus(tracebacks: Tracebacks) -> AsyncIterator[MakePrimus]:
    """Makes servers in memory whose clocks stand still, and destroys them after the test."""
    made: list[Primus] = []

    def make(plugin: Any, **options: Any) -> Any:
        options = {"clock": ManualClock(), "timeout": False, "ping_interval": False, **options}
        made.append(Primus(transformer=MemoryTransformer, plugin=plugin, **options))
        return made[-1]

    yield make
    for each in made:
        await each.destroy()


@pytest.fixture
def primus(request: pytest.FixtureRequest, make_primus: MakePrimus) -> Any:
    """A server of `make_primus`, with what the test module names as ``PLUGIN``."""
    return make_primus(request.module.PLUGIN)


@async_fixture
async def make_socket(primus: Any) -> AsyncIterator[MakeSocket]:
    """Makes clients of `primus`, which reconnect a second after a loss, on one clock of their own.

    They are destroyed after the test, which fails when one of them leaves a timer.
    """
    sockets: list[Any] = []
    clock = ManualClock()
    quick = {"clock": clock, "network": False, "reconnect": {"min": 1.0, "max": 1.0}}

    def make(url: str = "http://memory", **options: Any) -> Any:
        sockets.append(primus.Socket(url, **{**quick, **options}))
        return sockets[-1]

    yield make
    for socket in sockets:
        socket.destroy()
    assert clock.pending == 0
