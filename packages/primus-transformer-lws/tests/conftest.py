"""Every test of this folder runs on the stock loop and, where it is installed, on uvloop."""

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
    if item.path.stem == "test_transport":  # it has no socket: one loop is as good as another
        return dict(list(LOOPS.items())[-1:])
    return LOOPS
