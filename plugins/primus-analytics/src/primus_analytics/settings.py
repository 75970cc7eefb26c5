"""The option ``analytics``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from primus import OptionError
from primus.option_checks import function, mapping, text

__all__ = ["AnalyticsSettings", "Settings", "settings_in"]

OPTION = "analytics"


class AnalyticsSettings(TypedDict, total=False):
    """What the option ``analytics`` takes."""

    category: str
    app: str
    events: Mapping[str, str | Literal[False]]
    sink: Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Settings:
    """The option, complete."""

    category: str = "primus"
    """The category of every event."""
    app: str = "primus"
    """The application, as exceptions name it."""
    events: Mapping[str, str | Literal[False]] = field(default_factory=dict)
    """How an event is reported, by its name; `False` for never."""
    sink: Callable[[dict[str, Any]], object] | None = None
    """Takes each report; `None` when nothing does."""

    def action(self, name: str) -> str | None:
        """How an event is reported; `None` when it is not."""
        action = self.events.get(name, name)
        return None if action is False else action or name


CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "category": text,
    "app": text,
    "events": mapping,
    "sink": function,
}


def settings_in(extra: Mapping[str, Any]) -> Settings:
    """The option ``analytics``, among those that plugins have declared.

    Raises:
        OptionError: it cannot work.
    """
    given = mapping(OPTION, extra[OPTION] or {})
    if unknown := [name for name in given if name not in CHECKS]:
        raise OptionError(f"{OPTION}={{{unknown[0]!r}: …}}: the names are {', '.join(CHECKS)}")
    settings = Settings(
        **{name: CHECKS[name](f"{OPTION}[{name!r}]", value) for name, value in given.items()}
    )
    for name, action in settings.events.items():
        if action is not False and not isinstance(action, str):
            raise OptionError(
                f"{OPTION}['events'][{name!r}]={action!r}: must be a text, or False for never"
            )
    return settings
