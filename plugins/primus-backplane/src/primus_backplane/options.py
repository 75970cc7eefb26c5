"""The options of the plugin, and their checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from primus import OptionError, ServerOptions, hookimpl
from primus import option_checks as checks
from primus_backplane.bus import Bus

__all__ = ["BackplaneOptions", "Chosen", "chosen", "primus_options"]

NAMESPACE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MOST_SHARDS: Final = 64

DEFAULTS: Final[Mapping[str, object]] = {
    "backplane": "memory:",
    "backplane_namespace": "primus",
    "backplane_window": 120.0,
    "backplane_queue": 8 << 20,
    "backplane_shards": 1,
    "backplane_lease": 10.0,
    "backplane_ordered": False,
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options in their proper form; durations are seconds, sizes bytes."""

    bus: str | Bus
    namespace: str
    window: float
    queue: int
    shards: int
    lease: float
    ordered: bool


class BackplaneOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``backplane``."""

    backplane: str | Bus
    backplane_namespace: str
    backplane_window: float
    backplane_queue: int
    backplane_shards: int
    backplane_lease: float
    backplane_ordered: bool


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``backplane`` and the options whose names begin with ``backplane_``."""
    return DEFAULTS


def chosen(given: Mapping[str, Any]) -> Chosen:
    """The options of the plugin among those of a Primus.

    Raises:
        OptionError: one of them cannot work.
    """
    value = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    return Chosen(
        bus=_bus(value["backplane"]),
        namespace=namespace_of(value["backplane_namespace"]),
        window=checks.period("backplane_window", value["backplane_window"]),
        queue=checks.size("backplane_queue", value["backplane_queue"]),
        shards=shards_of(value["backplane_shards"]),
        lease=checks.period("backplane_lease", value["backplane_lease"]),
        ordered=checks.flag("backplane_ordered", value["backplane_ordered"]),
    )


def namespace_of(value: Any) -> str:
    """A namespace.

    Raises:
        OptionError: it is none.
    """
    if not isinstance(value, str) or not NAMESPACE.fullmatch(value):
        raise OptionError(
            f"backplane_namespace={value!r}: must be 1 to 64 letters, digits, '_', '.' or '-'"
        )
    return value


def shards_of(value: Any) -> int:
    """A number of shards.

    Raises:
        OptionError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_SHARDS:
        raise OptionError(f"backplane_shards={value!r}: must be a number from 1 to {MOST_SHARDS}")
    return value


def _bus(value: Any) -> str | Bus:
    if isinstance(value, Bus) or (isinstance(value, str) and ":" in value):
        return value
    raise OptionError(
        f"backplane={value!r}: must be a URL such as 'redis://localhost', 'memory:', or a Bus"
    )
