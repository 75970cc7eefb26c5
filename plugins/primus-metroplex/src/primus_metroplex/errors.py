"""What metroplex raises, and emits as ``error``."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["AddressTaken", "MetroplexError"]


class MetroplexError(PrimusError):
    """The registry cannot be reached, or has refused; ``__cause__`` says why."""


class AddressTaken(MetroplexError):
    """Another server, which lives, is registered at the address of this one."""
