"""Listeners that block the event loop: found by a thread that looks at what the loop is doing.

While a listener works or waits without ``await``, no other connection is served, no ping answered.
To time each call would cost every message. So one daemon thread for all servers of a process looks,
twice within the limit, which function of the user the loop is in; that costs the loop nothing. Once
it sees one, it asks the loop for a sign, and looks more often: when none comes in time, the
function is named in the log.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Final

from primus.threads import Home

__all__ = ["WATCHDOG", "Watched", "blocker", "frames_of_threads"]

LOOKS: Final = 2
"""How often the thread looks within the limit while nothing is suspected: with many servers on a
machine its waking costs more than what is done for messages."""
CLOSE_LOOKS: Final = 5
"""How often it looks within the limit at a loop that was asked for a sign."""
PAUSE: Final = 60.0
"""Seconds before the same function is named again."""
KNOWN: Final = 1000
"""How many functions are remembered as named."""
COLLECTS_AT_ONCE: Final = sys.version_info < (3, 12)
"""Whether the garbage collector may run, and with it what objects do at their end, while an object
is made; later versions wait until the code that makes it is done."""
LIBRARIES: Final = frozenset(
    {"aiohttp", "msgpack", "orjson", "picows", "pluggy", "uvloop", "websockets"}
    | sys.stdlib_module_names
) - {"__main__"}
"""Modules whose frames are no listeners."""


@dataclass(eq=False)
class Watched:
    """The loop of a server.

    Args:
        home: its thread and loop.
        limit: seconds that a listener may block it.
        log: where it is told of.
    """

    home: Home
    limit: float
    log: logging.Logger
    asked_at: float | None = None
    """When the loop was asked for a sign; `None` while nothing is suspected."""
    _suspect: CodeType | None = None
    """The function that the loop was in when it was asked."""
    _named: dict[CodeType, float] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        """Whether there is a loop that can be blocked."""
        return self.home.loop is not None and not self.home.loop.is_closed()

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return self.limit / (LOOKS if self.asked_at is None else CLOSE_LOOKS)

    def answer(self) -> None:
        """Give the sign."""
        self.asked_at = None

    def look(self, frame: FrameType, now: float) -> None:
        """Look at what the loop is doing now."""
        found = blocker(frame)
        if found is None:
            self.asked_at = None
        elif self.asked_at is None or found.f_code is not self._suspect:
            self.asked_at, self._suspect = now, found.f_code
            self.home.hand_over(self.log.debug, self.answer)
        elif now - self.asked_at >= self.limit:
            self._name(found, now)

    def _name(self, found: FrameType, now: float) -> None:
        """Tell of a function that blocks the loop, now and then."""
        code = found.f_code
        if now - self._named.get(code, -PAUSE) < PAUSE:
            return
        if len(self._named) >= KNOWN:
            self._named.clear()
        self._named[code] = now
        self.log.warning(
            "the event loop has been blocked for more than %s s by %s.%s (%s:%d), which neither "
            "returns nor awaits: no connection is served meanwhile. Make it async, or give what "
            "blocks to asyncio.to_thread; slow_listener=False silences this",
            self.limit,
            found.f_globals.get("__name__", "?"),
            code.co_qualname,
            code.co_filename,
            found.f_lineno,
        )


def blocker(frame: FrameType | None) -> FrameType | None:
    """The function of the user that Primus has called, on a stack; `None` when there is none."""
    found = inner = None
    with _uncollected():
        while frame is not None:
            root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if root == "primus" or root.startswith("primus_"):
                found, inner = inner or found, None
            elif root not in LIBRARIES:
                inner = frame
            frame = frame.f_back
    return found


def frames_of_threads() -> dict[int, FrameType]:
    """The innermost frame of each thread."""
    with _uncollected():
        return sys._current_frames()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from running where frames of other threads are looked at.

    CPython makes the object for a frame when it is asked for. Before 3.12 that may run the
    collector, what that ends may let the other thread go on, and when it has left the frame
    meanwhile, the object is about memory that is something else by then: the process crashes.
    """
    if not (COLLECTS_AT_ONCE and gc.isenabled()):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Watchdog:
    """The thread, which lives as long as there is a loop to watch."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._lock = threading.Lock()
        self._change = threading.Event()
        """Set when another loop is watched, which may want a closer look, or one no longer."""
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None and self._thread.is_alive()

    def watch(self, watched: Watched) -> None:
        """Watch a loop until `unwatch`, or until it is closed."""
        with self._lock:
            self._watched.add(watched)
            if not self.is_running:  # as after a fork
                self._thread = threading.Thread(target=self._run, name="primus", daemon=True)
                self._thread.start()
        self._change.set()

    def unwatch(self, watched: Watched) -> None:
        """Watch a loop no longer."""
        with self._lock:
            self._watched.discard(watched)
        self._change.set()

    def _run(self) -> None:
        while watched := self._left():
            self._change.wait(min(each.pause for each in watched))
            self._change.clear()
            frames, now = frames_of_threads(), time.monotonic()
            for each in watched:
                frame = frames.get(each.home.thread)
                if frame is not None:
                    each.look(frame, now)
            frame = None  # else its function would keep what it has
            frames.clear()

    def _left(self) -> tuple[Watched, ...]:
        """The loops that are watched; without any the thread ends."""
        with self._lock:
            self._watched = {each for each in self._watched if each.is_alive}
            if not self._watched:
                self._thread = None
            return tuple(self._watched)


WATCHDOG: Final = Watchdog()
"""Of this process."""
