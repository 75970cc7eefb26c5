"""Which failures have been logged with their traceback of late (pure).

A peer can send a message that makes a listener raise as often as it likes. Each time is a line in
the log; the traceback, which is a hundred times as long, is not repeated within a minute.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Failures"]

PLACES: Final = 64

Place = tuple[type[BaseException], str, int]


class Failures:
    """Remembers where failures came from.

    Args:
        interval: seconds for which a traceback is not repeated.
    """

    __slots__ = ("_interval", "_told")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._told: dict[Place, float] = {}

    def is_new(self, error: BaseException, now: float) -> bool:
        """Whether no failure of this type and place was told of lately; this one counts then."""
        place = _place(error)
        before = self._told.get(place)
        if before is not None and 0 <= now - before < self._interval:
            return False
        if len(self._told) >= PLACES:
            self._told.clear()
        self._told[place] = now
        return True


def _place(error: BaseException) -> Place:
    """The type of `error`, and the line that raised it."""
    traceback = error.__traceback__
    if traceback is None:
        return type(error), "", 0
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return type(error), traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
