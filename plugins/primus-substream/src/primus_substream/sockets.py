"""The class of Python sockets with the plugin; a server does without this module."""

from __future__ import annotations

from primus import MessageT_co, Socket
from primus_substream.substream import Substreams, substream

__all__ = ["SubstreamSocket"]


class SubstreamSocket(Socket[MessageT_co]):
    """A socket with the plugin ``substream``."""

    substream = substream
    streams: Substreams | None = None
    """Those that have not ended."""
