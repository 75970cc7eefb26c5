"""From a URL to the engine that an installed distribution offers."""

from __future__ import annotations

from typing import Final

from primus import InvalidPluginError
from primus.registry import Kind, find
from primus_backplane.bus import Bus

__all__ = ["BUS", "bus_of"]

BUS: Final = Kind(
    "bus",
    "primus.buses",
    dict.fromkeys(("memory", "redis", "rediss", "unix", "valkey", "valkeys"), "primus-backplane"),
)
"""An engine is named by the scheme of its URLs."""


def bus_of(wanted: str | Bus) -> Bus:
    """The engine for a URL; an engine is taken as it is.

    Raises:
        PluginError: no installed distribution offers it, it cannot be imported, or is none.
    """
    if isinstance(wanted, Bus):
        return wanted
    made: object = find(BUS, wanted.partition(":")[0])(wanted)
    if not isinstance(made, Bus):
        raise InvalidPluginError(f"the bus {wanted!r} must be a primus_backplane.Bus, not {made!r}")
    return made
