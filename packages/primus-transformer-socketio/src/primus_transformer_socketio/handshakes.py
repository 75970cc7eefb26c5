"""Handshakes that no request has used yet."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice

from primus.clock import Clock
from primus.ids import new_key

__all__ = ["Handshakes"]


class Handshakes:
    """The keys that clients were given, until the first request that shows one.

    They expire by themselves: keys are kept in the order of their age, and the old ones go when a
    new one comes.

    Args:
        clock: what tells the time.
        timeout: seconds that a key may be left unused.
        most: how many there may be; then the oldest gives way.
        node: the name of the server, which keys begin with.
    """

    __slots__ = ("_clock", "_expiries", "_most", "_node", "_timeout")

    def __init__(self, clock: Clock, timeout: float, most: int, node: str = "") -> None:
        self._clock = clock
        self._node = node
        self._timeout = timeout
        self._most = most
        self._expiries: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._expiries)

    def __contains__(self, key: str) -> bool:
        """Whether a client may still begin with this key."""
        return self._expiries.get(key, 0.0) > self._clock.time()

    def begin(self) -> str:
        """A new key for a client."""
        now = self._clock.time()
        for key, expiry in tuple(islice(self._expiries.items(), 2)):
            if expiry <= now or len(self._expiries) >= self._most:
                del self._expiries[key]
        key = new_key(self._node)
        self._expiries[key] = now + self._timeout
        return key

    def use(self, key: str) -> bool:
        """Use a key up; False when there is no such key, or no longer."""
        return self._expiries.pop(key, 0.0) > self._clock.time()
