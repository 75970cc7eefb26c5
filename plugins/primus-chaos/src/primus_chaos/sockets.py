"""`ChaosSocket`; a server does without this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from primus import Socket
from primus_chaos.chaos import Chaos
from primus_chaos.options import ChaosSocketOptions

__all__ = ["ChaosSocket"]


class ChaosSocket(Socket):
    """A Python socket with the plugin ``chaos``."""

    chaos: Chaos
    """The trouble that it is in."""

    if TYPE_CHECKING:

        def __init__(self, url: str, **options: Unpack[ChaosSocketOptions]) -> None: ...

    def cut(self) -> None:
        """Cut the connection, as an accident of the network does: the socket reconnects."""
        if self.ready_state == self.OPEN:
            self.chaos.cuts += 1
            self.abort()
