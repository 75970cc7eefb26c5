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

    def learn(self, told: Sequence[str], now: float, holds: float) -> Sequence[str]:
        """Take what the registry told, which holds for so long; the servers there are."""
        self._told = tuple(told)
        self._holds_until = now + holds
        return self._all(now)

    def ask_again(self) -> None:
        """Something has changed: the registry has to be asked."""
        self._holds_until = None

    def lost(self, now: float) -> None:
        """The registry may have lost its data: a server that is not in it may be there."""
        self._kept = tuple(self._all(now))
        self._kept_until = now + KEPT
        self._holds_until = None

    def gone(self, server: str) -> None:
        """A server has been unregistered on purpose."""
        self._kept = tuple(each for each in self._kept if each != server)
        self._holds_until = None

    def _all(self, now: float) -> Sequence[str]:
        told = self._told or ()
        return tuple(dict.fromkeys((*told, *self._kept))) if now < self._kept_until else told
