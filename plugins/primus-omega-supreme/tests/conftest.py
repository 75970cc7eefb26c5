from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer

MakePrimus = Callable[..., Any]


@pytest.fixture
def make_primus() -> MakePrimus:
    """Makes servers in memory with the plugin; each has its own clock, and no heartbeats."""

    def make(server: Any = None, **options: Any) -> Any:
        settings = {
            "plugin": "omega-supreme",
            "password": "secret",
            "clock": ManualClock(),
            "timeout": False,
            "ping_interval": False,
            **options,
        }
        return Primus(server, transformer=MemoryTransformer, **settings)

    return make


@pytest.fixture
def primus(make_primus: MakePrimus) -> Any:
    """A server in memory with the plugin."""
    return make_primus()
