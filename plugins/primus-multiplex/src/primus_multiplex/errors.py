"""The error of a subscription."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["ChannelRefused"]


class ChannelRefused(PrimusError):
    """The server has refused a subscription; the text is what it says about the reason."""
