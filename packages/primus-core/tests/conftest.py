"""A Primus without a network, for tests that look at the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer, Tracebacks

MakePrimus = Callable[..., Primus]


@pytest.fixture
def make_primus(manual_clock: ManualClock, tracebacks: Tracebacks) -> MakePrimus:
    """Makes servers on the manual clock; the test fails for errors it has not expected."""

    def make(**options: Any) -> Primus:
        return Primus(**{"transformer": MemoryTransformer, "clock": manual_clock, **options})

    return make


@pytest.fixture
def primus(make_primus: MakePrimus) -> Primus:
    """A server with default options."""
    return make_primus()
