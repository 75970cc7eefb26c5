"""The class of Python sockets of the preset; a server does without this module."""

from __future__ import annotations

from primus import MessageT_co
from primus_emit import EmitSocket
from primus_mirage import MirageSocket

__all__ = ["PrimacronSocket"]


class PrimacronSocket(MirageSocket[MessageT_co], EmitSocket[MessageT_co]):
    """A client of a `Primacron`; applications derive from it."""
