"""The errors of the plugin."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["BusError", "InvalidEnvelope", "TooLargeError"]


class BusError(PrimusError):
    """The bus cannot carry a message, or did not in time."""


class TooLargeError(BusError):
    """A message with its address is longer than the bus takes."""


class InvalidEnvelope(PrimusError):
    """What arrived is no envelope of this version."""
