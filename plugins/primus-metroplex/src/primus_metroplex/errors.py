"""What metroplex raises, and emits as ``error``."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["MetroplexError"]


class MetroplexError(PrimusError):
    """The registry cannot be reached, or has refused; ``__cause__`` says why."""
