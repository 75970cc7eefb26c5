"""Why a session id is refused, or missing."""

from __future__ import annotations

from primus import PrimusError

__all__ = ["InvalidId", "MirageTimeout"]


class InvalidId(PrimusError, ValueError):
    """The id is not valid; a validator may raise it, with a text of its own."""


class MirageTimeout(PrimusError, TimeoutError):
    """The generator or the validator took longer than ``mirage_timeout``."""
