"""What forwarding raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from primus import PrimusError

__all__ = ["ForwardError"]


class ForwardError(PrimusError):
    """A message did not reach all the servers that it was for.

    ``url``, ``status`` and ``body`` are of the first answer that was none; ``status`` is 500 when
    there was no answer. ``send`` is how many sparks have been written to all the same, and
    ``errors`` are the failures of all servers.
    """

    def __init__(
        self, message: str, *, url: str = "", status: int = 500, body: Any = None, send: int = 0
    ) -> None:
        super().__init__(message)
        self.url = url
        self.status = status
        self.body = body
        self.send = send
        self.errors: Sequence[ForwardError] = (self,)
