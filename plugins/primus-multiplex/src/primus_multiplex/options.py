"""The options of the plugin, and their check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from primus import ServerOptions, hookimpl
from primus import option_checks as checks

__all__ = ["Bounds", "MultiplexOptions", "bounds", "primus_options"]


class MultiplexOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``multiplex``."""

    multiplex_channels: int
    multiplex_subscriptions: int
    multiplex_name: int


class Bounds(NamedTuple):
    """What the subscriptions of one connection may cost."""

    channels: int
    """How many channels it may bring into being that the server has not asked for."""
    subscriptions: int
    """How many subscriptions it may have at a time."""
    name: int
    """How many characters the name of a channel, or an id, may have."""


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Of servers; sockets take and ignore them."""
    return {
        "multiplex_channels": 1024,
        "multiplex_subscriptions": 1024,
        "multiplex_name": 128,
    }


def bounds(extra: Mapping[str, Any]) -> Bounds:
    """The options of the plugin, among those that plugins have declared.

    Raises:
        OptionError: one cannot work.
    """
    return Bounds(
        checks.whole("multiplex_channels", extra["multiplex_channels"], least=0),
        checks.whole("multiplex_subscriptions", extra["multiplex_subscriptions"]),
        checks.whole("multiplex_name", extra["multiplex_name"], least=16),
    )
