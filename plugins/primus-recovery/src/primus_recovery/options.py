"""The options of the plugin, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from primus import OptionError, ServerOptions, hookimpl
from primus import option_checks as checks

__all__ = ["Chosen", "RecoveryOptions", "chosen", "primus_options"]

DEFAULTS: Final[Mapping[str, object]] = {
    "recovery_secret": None,
    "recovery_rooms": False,
    "recovery_user": None,
    "recovery_grace": 2.0,
    "recovery_takeover": 2.0,
}

DURATIONS: Final = ("recovery_grace", "recovery_takeover")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options in their proper form; durations are seconds."""

    secrets: tuple[bytes, ...]
    """Empty without any: the server makes one of its own."""
    rooms: bool | Callable[[Any, str], object]
    user: Callable[[Any], object] | None
    grace: float
    takeover: float


class RecoveryOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``recovery``."""

    recovery_secret: str | bytes | Iterable[str | bytes] | None
    recovery_rooms: bool | Callable[[Any, str], object]
    recovery_user: Callable[[Any], str | None] | None
    recovery_grace: float
    recovery_takeover: float


@hookimpl
def primus_options() -> Mapping[str, object]:
    """The options whose names begin with ``recovery_``."""
    return DEFAULTS


def chosen(given: Mapping[str, Any]) -> Chosen:
    """The options of the plugin among those of a Primus.

    Raises:
        OptionError: one of them cannot work.
    """
    value = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    rooms, user = value["recovery_rooms"], value["recovery_user"]
    if not isinstance(rooms, bool) and not callable(rooms):
        raise OptionError(f"recovery_rooms={rooms!r}: must be True, False or a function")
    if user is not None and not callable(user):
        raise OptionError(f"recovery_user={user!r}: must be a function of the spark, or None")
    grace, takeover = (checks.period(name, value[name]) for name in DURATIONS)
    return Chosen(_secrets(value["recovery_secret"]), rooms, user, grace, takeover)


def _secrets(value: Any) -> tuple[bytes, ...]:
    if value is None:
        return ()
    given = [value] if isinstance(value, str | bytes) else list(value)
    found = tuple(each.encode() if isinstance(each, str) else each for each in given)
    if not found or not all(isinstance(each, bytes) and len(each) >= 16 for each in found):
        raise OptionError(
            "recovery_secret: must be a text or bytes of 16 characters or more, or a list of them"
        )
    return found
