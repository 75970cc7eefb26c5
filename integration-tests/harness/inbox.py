"""What happened at a peer, kept until a test asks for it."""

import asyncio
from collections import defaultdict
from typing import Any

DEADLINE = 60.0
"""Seconds a test waits for what should happen at once; only a failing test waits this long."""

Event = dict[str, Any]


class Inbox:
    """The events that one peer reported, by the client or server that they happened to."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = defaultdict(list)
        self._kinds: dict[tuple[str, str], list[Event]] = defaultdict(list)
        self._taken: dict[tuple[str, str], int] = defaultdict(int)
        self._changed: asyncio.Event = asyncio.Event()
        self._dead: str | None = None

    def put(self, event: Event) -> None:
        """Keep ``event`` and wake the calls that wait for it."""
        self._events[event["on"]].append(event)
        self._kinds[event["on"], event["event"]].append(event)
        self._wake()

    def hang_up(self, reason: str) -> None:
        """Nothing more will come: calls that wait fail with ``reason``."""
        self._dead = reason
        self._wake()

    def seen(self, on: str, kind: str) -> list[Event]:
        """Every event of ``kind`` so far, taken or not."""
        return [*self._kinds[on, kind]]

    def story(self, on: str) -> list[str]:
        """The names of everything that happened so far, in order."""
        return [event["event"] for event in self._events[on]]

    async def take(self, on: str, kind: str, within: float = DEADLINE) -> Event:
        """The next event of ``kind`` that was not taken yet.

        Raises:
            AssertionError: it did not happen within so many seconds, or the peer died.
        """
        while True:
            changed = self._changed
            events, index = self._kinds[on, kind], self._taken[on, kind]
            if index < len(events):
                self._taken[on, kind] = index + 1
                return events[index]
            if self._dead is not None:
                raise AssertionError(f"{on}: no {kind!r}, because {self._dead}")
            try:
                async with asyncio.timeout(within):
                    await changed.wait()
            except TimeoutError:
                told = [
                    event if len(str(event)) < 200 else event["event"] for event in self._events[on]
                ]
                raise AssertionError(
                    f"{on}: no {kind!r} within {within} s, only {told[-20:]}"
                ) from None

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
