"""The options of the plugin, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from primus import OptionError, ServerOptions, hookimpl
from primus import option_checks as checks

__all__ = ["Chosen", "PresenceOptions", "chosen", "primus_options"]

DEFAULTS: Final[Mapping[str, object]] = {"presence_limit": 100, "presence_grace": 5.0}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options in their proper form."""

    limit: int
    grace: float
    """Seconds; 0 for none."""


class PresenceOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``presence``."""

    presence_limit: int
    presence_grace: float | None


@hookimpl
def primus_options() -> Mapping[str, object]:
    """The options whose names begin with ``presence_``."""
    return DEFAULTS


def chosen(given: Mapping[str, Any]) -> Chosen:
    """The options of the plugin among those of a Primus.

    Raises:
        OptionError: one of them cannot work.
    """
    value = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    limit = value["presence_limit"]
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise OptionError(f"presence_limit={limit!r}: must be a whole number >= 0")
    grace = value["presence_grace"]
    if grace == 0:
        return Chosen(limit, 0.0)
    return Chosen(limit, checks.duration("presence_grace", grace) or 0.0)
