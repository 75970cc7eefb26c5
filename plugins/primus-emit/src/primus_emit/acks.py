"""How an acknowledgement fails to come, and what it is when it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from primus import PrimusError, TransportError
from primus.answers import Reply, Words
from primus_emit import packets

__all__ = ["WORDS", "AckFailed", "AckLost", "AckReply", "AckTimeout", "acknowledged"]


class AckTimeout(PrimusError, TimeoutError):
    """The other side has not acknowledged an event in time; it may have received it."""


class AckLost(TransportError):
    """The connection went before an event was acknowledged; it may have been received."""


class AckFailed(PrimusError):
    """The other side has received an event and cannot acknowledge it; the text says why.

    A listener raises it to choose that text. Of any other exception the sender learns nothing.
    """


class AckReply(Reply):
    """The function that acknowledges an event."""

    __slots__ = ()

    spreads = True
    packet = staticmethod(packets.ack)
    failure = staticmethod(packets.failure)


WORDS: Final = Words(late=AckTimeout, lost=AckLost, failed=AckFailed, answered="acknowledged")


def acknowledged(args: Sequence[Any]) -> Any:
    """What `ask` gives for the arguments of an acknowledgement."""
    return tuple(args) if len(args) > 1 else next(iter(args), None)
