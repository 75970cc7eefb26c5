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
    Sessions that are polled are told from those that are WebSockets, since a WebSocket costs its
    client a connection and a session that is polled costs it nothing: ``polled`` is to be bounded.

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
        self._polled: dict[str, Session] = {}
        self._upgraded: dict[str, Session] = {}
        """Those that are WebSockets; a session is in one of the two."""
        self._empty: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._polled) + len(self._upgraded)

    @property
    def polled(self) -> int:
        """How many sessions are polled."""
        return len(self._polled)

    def __iter__(self) -> Iterator[Session]:
        """Iterate over the sessions there are now; they may come and go meanwhile."""
        return iter((*self._polled.values(), *self._upgraded.values()))

    def get(self, id: str) -> Session | None:
        """The session with that id, or `None`."""
        session = self._polled.get(id)
        return session if session is not None else self._upgraded.get(id)

    def add(self, id: str, session: Session, *, polled: bool = True) -> None:
        """Know a session, until it is discarded.

        Args:
            id: what requests know it by.
            session: the session.
            polled: False when it is a WebSocket.
        """
        (self._polled if polled else self._upgraded)[id] = session

    def switch(self, id: str, *, polled: bool) -> None:
        """Note that a session is polled from now on, or a WebSocket; ignore an unknown id."""
        session = self.get(id)
        if session is not None:
            self._forget(id)
            self.add(id, session, polled=polled)

    def discard(self, id: str) -> None:
        """Know the session with that id no longer."""
        self._forget(id)
        if self._empty is not None and not len(self):
            self._empty.set()

    def _forget(self, id: str) -> None:
        if self._polled.pop(id, None) is None:
            self._upgraded.pop(id, None)

    async def close(self, within: float) -> None:
        """Wait until every session is gone; drop those that are left in the end.

        All of them have been told to close by now.

        Args:
            within: seconds that they get.
        """
        if len(self):
            self._empty = asyncio.Event()
            try:
                async with Within(within):
                    await self._empty.wait()
            except TimeoutError:
                for session in self:
                    session.abort()
        self.timers.stop()
