"""Every test of this folder runs on the stock loop and, where it is installed, on uvloop.

Those under ASGI, and those without a socket, run on one of the two: they are about the server more
than about its loop. None uses primus-speedups, which runs the contracts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for this platform
    pass
else:
    LOOPS["uvloop"] = new_event_loop


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.stem in ("test_asgi", "test_uvicorn"):
        return dict(list(LOOPS.items())[-1:])
    return LOOPS


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMUS_SPEEDUPS", "0")
