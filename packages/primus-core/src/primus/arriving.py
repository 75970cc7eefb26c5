"""`Arriving`: the event that a message is about to become, for plugins that judge it (pure).

The plugin that makes events of such messages tells it by the hook ``primus_event``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Arriving"]


class Arriving(NamedTuple):
    """An event that has arrived, and is not delivered yet."""

    event: str
    """Its name."""
    args: list[Any]
    """What its listeners get."""
    packed: Callable[[list[Any]], Any]
    """Makes the same message with other arguments, for ``packet.data``."""
