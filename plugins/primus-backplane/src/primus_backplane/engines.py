"""From a URL to the engine that an installed distribution offers."""

from __future__ import annotations

from typing import Final

from primus import InvalidPluginError, OptionError
from primus.registry import Kind, find, installed
from primus_backplane.bus import Bus

__all__ = ["BUS", "bus_of"]

BUS: Final = Kind(
    "bus",
    "primus.buses",
    dict.fromkeys(
        ("memory", "nats", "redis", "rediss", "tls", "unix", "valkey", "valkeys"),
        "primus-backplane",
    ),
)
"""An engine is named by the scheme of its URLs."""


def bus_of(wanted: str | Bus) -> Bus:
    """The engine for a URL; an engine is taken as it is.

    Raises:
        OptionError: the URL has no scheme.
        PluginError: no installed distribution offers it, it cannot be imported, or is none.
    """
    if isinstance(wanted, Bus):
        return wanted
    scheme = wanted.partition(":")[0]
    if "://" not in wanted and wanted[-1:] != ":" and scheme.lower() not in installed(BUS):
        raise OptionError(
            f"backplane={wanted!r}: has no scheme: write 'redis://{wanted}', or 'memory:'"
        )
    made: object = find(BUS, scheme)(wanted)
    if not isinstance(made, Bus):
        raise InvalidPluginError(f"the bus {wanted!r} must be a primus_backplane.Bus, not {made!r}")
    return made
