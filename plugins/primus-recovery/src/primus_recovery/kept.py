"""`Kept`: the part of a session that outlives its connection, and where a server keeps it."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass

from primus_recovery.limits import DEFAULT_LIMITS, RecoveryLimits
from primus_recovery.ring import Ring

__all__ = ["Kept", "Sessions"]


@dataclass(slots=True)
class Kept:
    """What was sent in a session and not acknowledged, and how much of the client was handled."""

    ring: Ring
    handled: int
    parser: str

    def packed(self) -> bytes:
        """The bytes that another server reads."""
        frames = self.ring.frames
        raw = [each.encode() if isinstance(each, str) else each for each in frames]
        head = {
            "sent": self.ring.first,
            "handled": self.handled,
            "parser": self.parser,
            "sizes": list(map(len, raw)),
            "texts": [isinstance(each, str) for each in frames],
        }
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + b"".join(raw)

    @classmethod
    def unpacked(cls, data: bytes, limits: RecoveryLimits) -> Kept | None:
        """What another server has packed; `None` for what is nothing of that kind."""
        line, _, rest = data.partition(b"\n")
        try:
            head = json.loads(line)
            frames: list[str | bytes] = []
            for size, is_text in zip(head["sizes"], head["texts"], strict=True):
                raw, rest = rest[:size], rest[size:]
                frames.append(raw.decode() if is_text else raw)
            ring = Ring(limits, int(head["sent"]), frames)
            return cls(ring, int(head["handled"]), str(head["parser"]))
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            return None


class Sessions:
    """The sessions without a connection that one server keeps, by their keys.

    Args:
        window: for how many seconds one is kept.
        limits: how many, and how much.
    """

    def __init__(self, window: float, limits: RecoveryLimits = DEFAULT_LIMITS) -> None:
        self._window = window
        self._limits = limits
        self._kept: OrderedDict[str, tuple[float, Kept]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, key: str, kept: Kept, now: float) -> None:
        """Keep a session whose connection has gone; the oldest give way."""
        self.take(key, now)
        self._kept[key] = now + self._window, kept
        self._size += kept.ring.size
        limits = self._limits
        while len(self._kept) > limits.sessions or self._size > limits.session_bytes:
            self._drop()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._drop()

    def take(self, key: str, now: float) -> Kept | None:
        """Take a session, once."""
        until, kept = self._kept.pop(key, (0.0, None))
        if kept is None:
            return None
        self._size -= kept.ring.size
        return kept if until > now else None

    def take_all(self) -> list[tuple[str, Kept]]:
        """Take all, for what will keep them from now on."""
        found = [(key, kept) for key, (_, kept) in self._kept.items()]
        self._kept.clear()
        self._size = 0
        return found

    def _drop(self) -> None:
        _, (_, kept) = self._kept.popitem(last=False)
        self._size -= kept.ring.size
