"""`Outages`: what has failed and been told of, so that an outage is one line in the log (pure)."""

from __future__ import annotations

from typing import Final

__all__ = ["Outages"]

MOST: Final = 1024
"""How many outages are remembered at most; of the older ones there may be a second line."""


class Outages:
    """What is failing now, by name: the URL of a server, say."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def begins(self, name: str) -> bool:
        """Note a failure; whether it is the first since `ends`."""
        if name in self._told:
            return False
        if len(self._told) == MOST:
            del self._told[next(iter(self._told))]
        self._told[name] = None
        return True

    def ends(self, name: str) -> bool:
        """Note that it works; whether it failed before."""
        if name not in self._told:
            return False
        del self._told[name]
        return True
