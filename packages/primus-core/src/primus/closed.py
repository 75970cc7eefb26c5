"""Why a connection has ended, as `Spark.closed` and `Socket.closed` tell it (pure).

A transport says by an `Ending` what it knows: that the peer has closed, and with which status, or
that it has ended the connection itself. The connection makes one `Closed` of that, with what it
knows itself; nothing else decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from primus.errors import LimitError, PrimusError, ProtocolError

__all__ = [
    "BY",
    "COSTLY",
    "MEANINGS",
    "By",
    "Closed",
    "EndCode",
    "Ending",
    "because_of",
    "of_error",
    "silent",
]

By = Literal["client", "server", "network"]
"""Which of them ended a connection."""


class EndCode(StrEnum):
    """Why a connection has ended; equal to its text."""

    CLIENT_END = "client end"
    SERVER_END = "server end"
    SHUTDOWN = "shutdown"
    HEARTBEAT = "heartbeat"
    SLOW_CONSUMER = "slow consumer"
    LIMIT = "limit"
    PROTOCOL_ERROR = "protocol error"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    OFFLINE = "offline"
    WIRE_LOST = "wire lost"


MEANINGS: Final[dict[EndCode, str]] = {
    EndCode.CLIENT_END: "the client closed the connection",
    EndCode.SERVER_END: "the server closed the connection",
    EndCode.SHUTDOWN: "the server shuts down",
    EndCode.HEARTBEAT: "the other side gave no sign of life",
    EndCode.SLOW_CONSUMER: "the other side did not read what was sent to it",
    EndCode.LIMIT: "the other side sent more than a limit allows",
    EndCode.PROTOCOL_ERROR: "the other side broke the wire protocol",
    EndCode.REFUSED: "the server refused the connection",
    EndCode.UNREACHABLE: "the server could not be reached",
    EndCode.OFFLINE: "the machine of the client is offline",
    EndCode.WIRE_LOST: "the wire was lost without a word",
}
"""The reason where nothing more is known; docs/ends.md has the same table."""

BY: Final[dict[EndCode, By]] = {
    EndCode.CLIENT_END: "client",
    EndCode.SERVER_END: "server",
    EndCode.SHUTDOWN: "server",
    EndCode.REFUSED: "server",
    EndCode.UNREACHABLE: "network",
    EndCode.OFFLINE: "network",
    EndCode.WIRE_LOST: "network",
}
"""What ends a connection for each reason; for the others it is the side that noticed."""

COSTLY: Final = frozenset(
    {EndCode.HEARTBEAT, EndCode.SLOW_CONSUMER, EndCode.LIMIT, EndCode.PROTOCOL_ERROR}
)
"""We ended it for a rule of ours, which may cost a user something: worth a warning."""

STATUSES: Final[dict[int, EndCode]] = {
    1002: EndCode.PROTOCOL_ERROR,
    1003: EndCode.PROTOCOL_ERROR,
    1007: EndCode.PROTOCOL_ERROR,
    1008: EndCode.REFUSED,
    1009: EndCode.LIMIT,
    1010: EndCode.PROTOCOL_ERROR,
}
"""What the status of a WebSocket's close frame means, by RFC 6455 section 7.4.1."""

GOING_AWAY: Final = 1001
NO_STATUS: Final = 1005


class Ending(NamedTuple):
    """What a transport, or a part of the server, knows of an end.

    Without a `code` the peer has closed in order.
    """

    code: EndCode | None = None
    status: int | None = None
    """The status of a close frame; `None` when there was none."""
    reason: str = ""
    option: str = ""
    """The option that governs it."""

    @classmethod
    def of_peer(cls, status: int | None = None, reason: str = "") -> Ending:
        """The peer has closed, with the status and the reason of its close frame."""
        return cls(None, None if status == NO_STATUS else status, reason)


@dataclass(slots=True, unsafe_hash=True)
class Closed:
    """Why a connection has ended."""

    # Each connection makes one. To freeze it would cost four times as much as to make it.
    code: Final[EndCode]
    reason: Final[str]
    """The same in words, with what the peer said of it."""
    by: Final[By]
    """What ended it: the client, the server, or the network between them."""
    seconds: Final[float]
    """How long it was open; 0 when it never was."""
    status: Final[int | None] = None
    """The status that the peer closed the wire with, 1000 for one; `None` when it told none."""
    option: Final[str] = ""
    """The option that governs such an end, where there is one."""

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


def because_of(ending: Ending | None, side: Literal["client", "server"], seconds: float) -> Closed:
    """The one place that decides what an end is called.

    Args:
        ending: what is known; `None` when the wire went without a word.
        side: on which side of the connection we are.
        seconds: how long it was open.
    """
    if ending is None:
        ending = Ending(EndCode.WIRE_LOST)
    code, reason, by = _meaning(ending, side)
    return Closed(code, reason, by, seconds, ending.status, ending.option)


@lru_cache(64)
def _meaning(ending: Ending, side: Literal["client", "server"]) -> tuple[EndCode, str, By]:
    """What an end is called, its reason in words, and which side it is put down to.

    Most ends are alike, so the last ones are kept.
    """
    code, by = ending.code, None
    if code is None:
        by = _other(side)
        code = _said(ending.status, by)
    reason = ending.reason
    if ending.code is None:
        reason = MEANINGS[EndCode.CLIENT_END if by == "client" else EndCode.SERVER_END]
        if ending.status is not None:
            reason += f" with status {ending.status}"
        if ending.reason:
            reason += f": {ending.reason[:125]!r}"
    return code, reason or MEANINGS[code], by or BY.get(code, side)


def of_error(error: Exception) -> Ending:
    """What an error of the wire says of its end."""
    if isinstance(error, LimitError):
        return Ending(EndCode.LIMIT, reason=str(error), option=error.option)
    if isinstance(error, ProtocolError):
        return Ending(EndCode.PROTOCOL_ERROR, reason=str(error))
    return Ending(EndCode.WIRE_LOST, reason=str(error) if isinstance(error, PrimusError) else "")


def silent(peer: By, seconds: float, option: str) -> Ending:
    """The end of a peer that is taken for lost.

    Args:
        peer: the client, or the server.
        seconds: how long it was silent.
        option: which option says how long it may be.
    """
    reason = f"the {peer} gave no sign of life for {seconds:.1f} s"
    return Ending(EndCode.HEARTBEAT, reason=reason, option=option)


def _other(side: Literal["client", "server"]) -> By:
    return "client" if side == "server" else "server"


def _said(status: int | None, by: By) -> EndCode:
    """What the peer's status means."""
    if status in STATUSES:
        return STATUSES[status]
    if by == "client":
        return EndCode.CLIENT_END
    return EndCode.SHUTDOWN if status == GOING_AWAY else EndCode.SERVER_END
