"""How often a spark may send: a token bucket (pure)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Self

from primus import OptionError

__all__ = ["Bucket", "Limit"]

ONE: Final = 1 - 1e-9
"""A message, as far as fractions of messages add up to one."""


class Limit(NamedTuple):
    """So many messages in so many seconds; that many may come at once."""

    messages: float
    seconds: float = 1.0

    @classmethod
    def of(cls, name: str, value: Any) -> Self | None:
        """A limit as users give it: a pair, or a number for one second; `None` for none.

        Raises:
            OptionError: it cannot work.
        """
        if value is None or value is False:
            return None
        pair = (value, 1.0) if isinstance(value, int | float) else value
        if (
            not isinstance(pair, tuple | list)
            or len(pair) != 2
            or any(isinstance(part, bool) or not isinstance(part, int | float) for part in pair)
            or not pair[0] >= 1
            or not pair[1] > 0
        ):
            raise OptionError(
                f"{name}={value!r}: must be (messages, seconds), with at least one message"
            )
        return cls(*pair)


class Bucket:
    """What a spark may still send under a limit.

    Args:
        limit: the limit.
        now: the time, in seconds.
    """

    __slots__ = ("_at", "_left", "_limit")

    def __init__(self, limit: Limit, now: float) -> None:
        self._limit = limit
        self._left = limit.messages
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more message is within the limit."""
        messages, seconds = self._limit
        gained = max(0.0, now - self._at) * messages / seconds
        self._left = min(messages, self._left + gained)
        self._at = now
        if self._left < ONE:
            return False
        self._left = max(0.0, self._left - 1)
        return True
