"""Which rooms have history: the setting ``history`` of the option ``rooms`` (pure).

The plugin ``recovery`` keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from primus import OptionError
from primus_rooms.names import matches

__all__ = ["CACHE", "NO_HISTORY", "History"]

CACHE: Final = "cache"
"""The mode in which the last message goes to members that join as well."""


class History:
    """The rooms that have history, and those whose last message is kept.

    Args:
        setting: `True` for all rooms, or a mapping of names, in which each ``*`` stands for any
            text, to `True`, `False` or ``"cache"``; the first that fits decides.

    Raises:
        OptionError: it is none of these.
    """

    def __init__(self, setting: Any) -> None:
        given: Any = {"*": setting} if setting is True or setting == CACHE else setting or {}
        if not isinstance(given, Mapping) or not all(
            isinstance(name, str) and (mode == CACHE or isinstance(mode, bool))
            for name, mode in given.items()
        ):
            raise OptionError(
                f"rooms: history={setting!r}: must be True, or a mapping of names of rooms to "
                'True, False or "cache"'
            )
        self.is_chosen: Final = setting is not None
        """Whether the user has said which rooms have history, be it none."""
        self._exact: dict[str, bool | str] = {
            name: mode for name, mode in given.items() if "*" not in name
        }
        self._patterns: list[tuple[str, bool | str]] = [
            (name, mode) for name, mode in given.items() if "*" in name
        ]

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def mode(self, room: str) -> bool | str:
        """The mode of a room: `False` for none."""
        if room in self._exact:
            return self._exact[room]
        for name, mode in self._patterns:
            if matches(name, room):
                return mode
        return False


NO_HISTORY: Final = History(None)
