"""What the watchdog may do while it looks at the frames of another thread."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from primus.server import watchdog
from primus.server.watchdog import blocker, frames_of_threads

COLLECTS_AT_ONCE = sys.version_info < (3, 12)


class Frame:
    """A frame that notes whether the garbage collector may run while it is left."""

    def __init__(self, seen: list[bool]) -> None:
        self.f_globals: dict[str, Any] = {}
        self.seen = seen

    @property
    def f_back(self) -> None:
        self.seen.append(gc.isenabled())


@pytest.fixture(params=[True, False])
def collects(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the application has the collector on."""
    if not request.param:
        gc.disable()
    yield request.param
    gc.enable()


@pytest.fixture(params=[True, False])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(watchdog, "COLLECTS_AT_ONCE", request.param)
    return bool(request.param)


def test_nothing_is_collected_while_frames_of_another_thread_are_walked(
    collects: bool, at_once: bool
) -> None:
    seen: list[bool] = []

    blocker(cast("Any", Frame(seen)))

    assert seen == [collects and not at_once]
    assert gc.isenabled() == collects


def test_nothing_is_collected_while_the_frames_of_all_threads_are_asked_for(
    collects: bool, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(sys, "_current_frames", lambda: seen.append(gc.isenabled()))

    frames_of_threads()

    assert seen == [collects and not at_once]
    assert gc.isenabled() == collects


def test_the_collector_is_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "COLLECTS_AT_ONCE", True)

    with pytest.raises(AttributeError):
        blocker(cast("Any", object()))

    assert gc.isenabled()


def test_python_before_3_12_collects_at_once() -> None:
    assert watchdog.COLLECTS_AT_ONCE == COLLECTS_AT_ONCE
