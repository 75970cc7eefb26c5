"""What rooms raise, and emit as ``roomserror``."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["AdapterAway", "RoomsError"]


class RoomsError(PrimusError):
    """Rooms cannot do what was asked; ``__cause__`` is the error of the adapter, if it had one."""


class AdapterAway(Exception):
    """What an adapter has to ask does not answer, of which the adapter tells in the log itself."""
