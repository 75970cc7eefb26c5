"""Events of an emitter, kept until a test asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from primus.events import Emitter

__all__ = ["DEADLINE", "Recorder", "eventually"]

DEADLINE = 30.0
"""Seconds that a test waits for what should happen at once; only failing tests wait so long."""


class Recorder:
    """Listens to some events of `emitter` and keeps them.

    Args:
        emitter: a Primus, a spark, a socket.
        events: the names to listen to.
        deadline: seconds that `next` waits.
    """

    def __init__(self, emitter: Emitter, *events: str, deadline: float = DEADLINE) -> None:
        self.deadline = deadline
        self._seen: list[tuple[str, tuple[Any, ...]]] = []
        self._taken: dict[str, int] = {}
        self._changed = asyncio.Event()
        for event in events:
            emitter.on(event, partial(self._note, event))

    def _note(self, event: str, *args: Any) -> None:
        self._seen.append((event, args))
        self._changed.set()

    @property
    def story(self) -> list[str]:
        """The names of all events so far, in their order."""
        return [name for name, _ in self._seen]

    def seen(self, event: str) -> list[tuple[Any, ...]]:
        """The arguments of every `event` so far, taken or not."""
        return [args for name, args in self._seen if name == event]

    async def next(self, event: str) -> tuple[Any, ...]:
        """The arguments of the first `event` that was not taken yet.

        Raises:
            AssertionError: there is none within the deadline.
        """
        index = self._taken.get(event, 0)
        self._taken[event] = index + 1
        try:
            async with asyncio.timeout(self.deadline):
                while len(self.seen(event)) <= index:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"no {event!r} within {self.deadline} s, only {self.story}"
            ) from None
        return self.seen(event)[index]

    async def one(self, event: str) -> Any:
        """The first argument of the next `event`."""
        return (await self.next(event))[0]


async def eventually(condition: Callable[[], Any], deadline: float = DEADLINE) -> None:
    """Let the event loop turn until `condition` holds.

    For what nothing tells the end of; prefer to await an event.

    Raises:
        AssertionError: it does not hold within `deadline` seconds.
    """
    try:
        async with asyncio.timeout(deadline):
            while not condition():
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(f"{condition!r} did not hold within {deadline} s") from None
