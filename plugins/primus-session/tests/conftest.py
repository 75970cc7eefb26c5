"""Servers in memory, and their sparks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer, Tracebacks

MakePrimus = Callable[..., Any]


@pytest_asyncio.fixture
async def make_primus(tracebacks: Tracebacks) -> AsyncIterator[MakePrimus]:
    """Makes servers whose clock stands still, and destroys them after the test."""
    made: list[Primus] = []

    def make(plugin: Any, **options: Any) -> Any:
        options = {"clock": ManualClock(), "timeout": False, "ping_interval": False, **options}
        primus = Primus(transformer=MemoryTransformer, plugin=plugin, **options)
        made.append(primus)
        return primus

    yield make
    for primus in made:
        await primus.destroy()


@pytest.fixture
def primus(request: pytest.FixtureRequest, make_primus: MakePrimus) -> Any:
    """A server with the plugins that the test module names in ``PLUGIN``."""
    return make_primus(request.module.PLUGIN)
