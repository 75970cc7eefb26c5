"""What forwarding raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from primus import PrimusError

__all__ = ["Dropped", "ForwardError", "Refused"]


class ForwardError(PrimusError):
    """A message did not reach all the servers that it was for.

    ``url``, ``status`` and ``body`` are of the first answer that was none; ``status`` is 500 when
    there was no answer. ``send`` is how many sparks have been written to all the same, and
    ``errors`` are the failures of all servers. ``outage`` names what is away, which is one line in
    the log: the URL of the server, or the registry; it is empty when nothing is.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str = "",
        status: int = 500,
        body: Any = None,
        send: int = 0,
        outage: str = "",
    ) -> None:
        super().__init__(message)
        self.url = url
        self.status = status
        self.body = body
        self.send = send
        self.outage = outage or url
        self.errors: Sequence[ForwardError] = (self,)


class Dropped(ForwardError):
    """A message that found no room in a queue. That is told by the queue, in one line for many."""


class Refused(ForwardError):
    """A message that a server has answered, and not taken. Clients may choose what is in one."""
