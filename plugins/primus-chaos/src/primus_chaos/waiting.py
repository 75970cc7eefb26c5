"""Delays and cuts that wait for their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from primus.clock import Clock, Timer

__all__ = ["Waiting"]

Verdict = asyncio.Future["bool | None"]


class Entry:
    """A call that comes with time, or another one in its stead when the connection ends."""

    __slots__ = ("ended", "timer")

    timer: Timer

    def __init__(self, ended: Callable[[bool], None]) -> None:
        self.ended = ended


class Waiting:
    """What waits, by connection, so that nothing of one that has ended stays."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[Any, set[Entry]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def delay(self, connection: Any, seconds: float, *, loses: bool) -> Verdict:
        """The verdict of a transform, `None`, in `seconds`.

        Args:
            connection: whose message it is.
            seconds: how long the message waits.
            loses: whether the message is swallowed when its connection ends meanwhile.
        """
        verdict: Verdict = asyncio.get_running_loop().create_future()

        def ended(lost: bool) -> None:
            _decide(verdict, False if lost and loses else None)

        self._add(connection, seconds, partial(_decide, verdict, None), ended)
        return verdict

    def call(self, connection: Any, seconds: float, fn: Callable[[], None]) -> None:
        """Call `fn` in `seconds`, unless the connection ends before."""
        self._add(connection, seconds, fn, lambda lost: None)

    def _add(
        self,
        connection: Any,
        seconds: float,
        due: Callable[[], None],
        ended: Callable[[bool], None],
    ) -> None:
        entry = Entry(ended)
        self._entries.setdefault(connection, set()).add(entry)
        entry.timer = self._clock.call_later(seconds, self._due, connection, entry, due)

    def _due(self, connection: Any, entry: Entry, due: Callable[[], None]) -> None:
        entries = self._entries[connection]
        entries.discard(entry)
        if not entries:
            del self._entries[connection]
        due()

    def release(self, connection: Any, *, lost: bool) -> None:
        """Release all messages of a connection.

        Args:
            connection: the connection.
            lost: whether it has ended; otherwise all its messages go on.
        """
        for entry in self._entries.pop(connection, ()):
            entry.timer.cancel()
            entry.ended(lost)

    def release_all(self) -> None:
        """Release all messages."""
        for connection in tuple(self._entries):
            self.release(connection, lost=False)


def _decide(verdict: Verdict, value: bool | None) -> None:
    if not verdict.done():
        verdict.set_result(value)
