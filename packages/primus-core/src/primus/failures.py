"""Which failures have been logged of late (pure).

A peer can send a message that makes a listener raise as often as it likes. The first time is
logged with its traceback; those that follow within a minute are counted, and the next line tells
how many they were.
"""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["Failures"]

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


def _place(error: BaseException) -> Place:
    """The type of `error`, and the line that raised it."""
    traceback = error.__traceback__
    if traceback is None:
        return type(error), "", 0
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return type(error), traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
