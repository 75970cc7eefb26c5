"""The errors of the plugin."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["PresenceError"]


class PresenceError(PrimusError, ValueError):
    """A room, a user or what is told of a user cannot be used."""
