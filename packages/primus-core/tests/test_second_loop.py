"""A server that is used on a second event loop still ends peers that owe it something."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from primus.clock import SYSTEM_CLOCK
from primus.timers import Patience, TimerWheel
from primus.write_watch import WriteWatch
from primus_testing import eventually

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for this platform
    pass
else:
    LOOPS.append(new_event_loop)

SOON = 0.02


class Wire:
    """A connection whose peer takes nothing."""

    def __init__(self, name: str, dropped: list[str]) -> None:
        self.name = name
        self.dropped = dropped

    def get_write_buffer_size(self) -> int:
        return 1

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.dropped.append(self.name)


def wheel(late: list[str]) -> Callable[[str], object]:
    """Put something on a wheel."""
    timers = TimerWheel(SYSTEM_CLOCK, SOON, late.append)
    return lambda name: timers.put(name, SYSTEM_CLOCK.time() + SOON)


def patience(late: list[str]) -> Callable[[str], object]:
    """Wait for something."""
    return Patience(SYSTEM_CLOCK, SOON, late.append).begin


def watch(late: list[str]) -> Callable[[str], object]:
    """Watch a connection."""
    watch = WriteWatch(SYSTEM_CLOCK, SOON)
    return lambda name: watch.keep(Wire(name, late))


async def begin_on_this_loop(begin: Callable[[str], object], name: str) -> None:
    begin(name)


async def begin_and_wait(begin: Callable[[str], object], name: str, late: list[str]) -> None:
    begin(name)
    await eventually(lambda: name in late)


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize("make", [wheel, patience, watch])
def test_what_is_late_on_a_second_event_loop_is_ended(
    make: Callable[[list[str]], Callable[[str], object]],
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    late: list[str] = []
    begin = make(late)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(begin_on_this_loop(begin, "first"))
    begin("between")
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(begin_and_wait(begin, "second", late))

    assert sorted(late) == ["between", "first", "second"]
