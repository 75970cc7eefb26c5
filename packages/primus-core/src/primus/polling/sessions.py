"""The sessions of a polling transformer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from primus.clock import Clock, Within
from primus.timers import TimerWheel
from primus.transformer import Transport

__all__ = ["Sessions"]

Session = TypeVar("Session", bound=Transport)


class Sessions(Generic[Session]):
    """The sessions of one server by their ids, and one timer for all that they wait for.

    ``timers`` calls methods of sessions that are due: ``sessions.timers.put(self.ping, when)``.

    Args:
        clock: what tells the time.
        shortest: the shortest time that a session waits for, in seconds: times are kept to a
            twentieth of it, or to a second.
    """

    def __init__(self, clock: Clock, shortest: float = 20.0) -> None:
        self.clock = clock
        self.timers: TimerWheel[Callable[[], object]] = TimerWheel(
            clock, min(1.0, shortest / 20), lambda due: due()
        )
        self._sessions: dict[str, Session] = {}
        self._empty: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        """Iterate over the sessions there are now; they may come and go meanwhile."""
        return iter(tuple(self._sessions.values()))

    def get(self, id: str) -> Session | None:
        """The session with that id, or `None`."""
        return self._sessions.get(id)

    def add(self, id: str, session: Session) -> None:
        """Know a session, until it is discarded."""
        self._sessions[id] = session

    def discard(self, id: str) -> None:
        """Know the session with that id no longer."""
        self._sessions.pop(id, None)
        if not self._sessions and self._empty is not None:
            self._empty.set()

    async def close(self, within: float) -> None:
        """Wait until every session is gone; drop those that are left in the end.

        All of them have been told to close by now.

        Args:
            within: seconds that they get.
        """
        if self._sessions:
            self._empty = asyncio.Event()
            try:
                async with Within(within):
                    await self._empty.wait()
            except TimeoutError:
                for session in self:
                    session.abort()
        self.timers.stop()
