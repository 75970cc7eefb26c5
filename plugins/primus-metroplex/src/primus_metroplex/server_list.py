"""`ServerList`: the servers as the registry told last, and how long that holds (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["KEPT", "ServerList"]

KEPT: Final = 12.0
"""Seconds that a server is still counted in after the registry has lost its data: each tells the
registry again when it renews its lease, which it does every ten seconds at least."""


class ServerList:
    """What the registry told, so that it need not be asked for every message. Times are seconds."""

    def __init__(self) -> None:
        self._told: tuple[str, ...] | None = None
        self.asked = 0
        """Grows with each change: an answer to a question of before does not hold."""
        self._holds_until: float | None = None  # None: the registry has to be asked
        self._kept: tuple[str, ...] = ()  # those known when the registry lost its data
        self._kept_until = 0.0

    def known(self, now: float) -> Sequence[str] | None:
        """The servers; `None` when the registry has to be asked."""
        if self._holds_until is None or now >= self._holds_until:
            return None
        return self._all(now)

    def last(self, now: float) -> Sequence[str] | None:
        """The servers that there were before the registry went away; `None` if it never told."""
        return None if self._told is None else self._all(now)

    def learn(
        self, told: Sequence[str], now: float, holds: float, asked: int | None = None
    ) -> Sequence[str]:
        """Take what the registry told, which holds for so long; the servers there are.

        An answer to a question that was asked before a change neither holds nor takes the place of
        one that was asked later.
        """
        if asked is not None and asked != self.asked:
            return self._with_kept(tuple(told), now)
        self._told = tuple(told)
        self._holds_until = now + holds
        return self._all(now)

    def ask_again(self) -> None:
        """Something has changed: the registry has to be asked."""
        self.asked += 1
        self._holds_until = None

    def lost(self, now: float) -> None:
        """The registry may have lost its data: a server that is not in it may be there."""
        self._kept = tuple(self._all(now))
        self._kept_until = now + KEPT
        self.asked += 1
        self._holds_until = None

    def gone(self, server: str) -> None:
        """A server has been unregistered on purpose."""
        self._kept = tuple(each for each in self._kept if each != server)
        self.asked += 1
        self._holds_until = None

    def _all(self, now: float) -> Sequence[str]:
        return self._with_kept(self._told or (), now)

    def _with_kept(self, told: tuple[str, ...], now: float) -> Sequence[str]:
        return tuple(dict.fromkeys((*told, *self._kept))) if now < self._kept_until else told
