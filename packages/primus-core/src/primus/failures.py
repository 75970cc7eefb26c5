"""What is logged no more often than it helps, however often peers cause it (pure).

A peer can send a message that makes a listener raise as often as it likes. The first time is
logged with its traceback; those that follow within a minute are counted, and the next line tells
how many they were.
"""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["Failures", "Quota"]

PLACES: Final = 64

Place = tuple[type[BaseException], str, int]


class Failures:
    """Remembers where failures came from.

    Args:
        interval: seconds for which a failure is not logged again.
    """

    __slots__ = ("_interval", "_told")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._told: dict[Place, tuple[float, int]] = {}
        """When each place was last told of, and how many failures have been left out since."""

    def note(self, error: BaseException, now: float) -> int | None:
        """Note a failure, and say whether it is to be told.

        Returns:
            How many of its type and place have been left out before it; `None` when it is left
            out as well.
        """
        place = _place(error)
        at, omitted = self._told.get(place, (None, 0))
        if at is not None and 0 <= now - at < self._interval:
            self._told[place] = at, omitted + 1
            return None
        if len(self._told) >= PLACES:
            self._told.clear()
        self._told[place] = now, 0
        return omitted

    def log(self, log: logging.Logger, text: str, error: BaseException, now: float) -> None:
        """Log an error of the user's code, with its traceback; when it repeats, at `DEBUG` only."""
        omitted = self.note(error, now)
        if omitted is None:
            log.debug("%.500s (again, %s: %.500s)", text, type(error).__name__, error)
        elif omitted:
            log.error("%.500s (%d more since the last line)", text, omitted, exc_info=error)
        else:
            log.error("%.500s", text, exc_info=error)


class Quota:
    """Lets so many lines a second into the log, and counts those that are held back.

    Args:
        lines: how many a second.
    """

    __slots__ = ("_held", "_left", "_lines", "_since")

    def __init__(self, lines: int) -> None:
        self._lines = self._left = lines
        self._since = -1.0
        self._held = 0

    def admit(self, now: float) -> int | None:
        """Whether a line may be logged.

        Returns:
            How many were held back since the last one, or `None` when this one is held back too.
        """
        if not 0 <= now - self._since < 1:
            self._since, self._left = now, self._lines
        if self._left <= 0:
            self._held += 1
            return None
        self._left -= 1
        held, self._held = self._held, 0
        return held


def _place(error: BaseException) -> Place:
    """The type of `error`, and the line that raised it."""
    traceback = error.__traceback__
    if traceback is None:
        return type(error), "", 0
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return type(error), traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
