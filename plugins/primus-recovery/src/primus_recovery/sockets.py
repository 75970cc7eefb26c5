"""The client half in Python; a server does without this module."""

from __future__ import annotations

import json
from typing import Any, Final

from primus import MessageT_co, Packet, Socket
from primus.clock import Timer, expect
from primus_recovery.follower import ACK, WAIT, Recovered
from primus_recovery.limits import DEFAULT_LIMITS, RecoveryLimits
from primus_recovery.recovery import FIELD
from primus_recovery.ring import Ring
from primus_recovery.tracker import Tracker

__all__ = ["Comeback", "RecoverySocket"]

PATIENCE: Final = 5.0
"""Seconds after the opening in which a server with the plugin says what becomes of the session, or
that it has to ask for that."""


class RecoverySocket(Socket[MessageT_co]):
    """A socket with the plugin ``recovery``; applications derive from it.

    Events: ``recovered(recovered)`` after a reconnect, ``gap`` when messages to its rooms are
    missing.
    """

    recovered: Recovered | None = None
    """What became of what was missed at the last reconnect; `None` before the first."""
    _comeback: Comeback


class Comeback:
    """What a socket knows of its place, and brings to its next connection.

    Args:
        socket: the socket.
        limits: the bounds.
    """

    def __init__(self, socket: Any, limits: RecoveryLimits = DEFAULT_LIMITS) -> None:
        self._socket = socket
        self._limits = limits
        self._tracker = Tracker(limits)
        self._ring = Ring(limits)
        self._sent_before = 0
        """How many messages of the session were sent on earlier connections."""
        self._is_whole = True
        """Whether all that was written has arrived, or has been sent again."""
        self._acking: Timer | None = None
        """Set while messages wait to be acknowledged."""
        self._waiting: Timer | None = None
        """Set while messages wait for what becomes of the session."""
        socket.carried[FIELD] = self._tracker.query
        socket.transform("incoming", self._handle)
        socket.on("outgoing::message", self._ring_add)
        socket.on("open", self._opened)
        socket.on("close", self._closed)

    # -- the connection

    def _opened(self) -> None:
        if self._tracker.token:
            self._waiting = expect(self._socket.clock, PATIENCE, self._give_up)

    def _closed(self) -> None:
        for timer in (self._acking, self._waiting):
            if timer is not None:
                timer.cancel()
        self._acking = self._waiting = None
        self._tracker.lost()
        self._sent_before = self._ring.sent
        self._socket.carried[FIELD] = self._tracker.query
        if self._tracker.token:
            self._socket.hold_messages(FIELD)

    def _give_up(self) -> None:
        """Wait no longer: the server does not have the plugin any more."""
        self._waiting = None
        self._socket.release_messages(FIELD)

    # -- messages

    def _ring_add(self, frame: str | bytes) -> None:
        self._ring.add(frame)

    def _handle(self, packet: Packet, connection: Any) -> None:
        if connection is not self._socket:
            return  # what a stream above the socket gets has come in a packet, which was counted
        clock = self._socket.clock
        if self._tracker.handled(clock.time()):
            self._acknowledge()
        elif self._acking is None and self._tracker.acks.handled > self._tracker.acks.told:
            self._acking = clock.call_later(self._limits.ack_seconds, self._acknowledge)

    def _acknowledge(self) -> None:
        if self._acking is not None:
            self._acking.cancel()
            self._acking = None
        if self._tracker.token and self._tracker.acks.handled > self._tracker.acks.told:
            self._socket.send_control(ACK, str(self._tracker.acks.tell()))

    # -- what the server says

    def take(self, name: str, value: str) -> bool:
        """Take a control message; whether it is one of the plugin."""
        match name:
            case "at":
                self._tracker.take_mark(value)
            case "token":
                self._tracker.take_token(value)
            case "ack":
                if value.isascii() and value.isdigit() and len(value) <= 15:
                    self._ring.acknowledge(int(value))
            case "session":
                self._take_session(value)
            case "recovered":
                self._take_verdict(value)
            case "gap":
                self._socket.dispatch("gap")
            case _:
                return False
        return True

    def _take_session(self, value: str) -> None:
        """Learn what becomes of the session, and send what the server has not got of it."""
        if value == WAIT:
            self._wait_no_more()
        found = self._tracker.take_session(value)
        if found is None:
            return
        goes_on, handled = found
        before = self._sent_before
        missing = self._ring.since(handled) if goes_on and handled <= before else None
        self._is_whole = missing is not None
        again = missing[: before - handled] if missing else ()
        self._socket.send_first()
        # The ring has the order of this connection: what has been sent on it, and then what comes
        # again.
        early = self._ring.sent - before
        frames = self._ring.since(before) or ()
        start = (handled if goes_on else 0) + early - len(frames)
        self._ring = Ring(self._limits, start, (*frames, *again))
        for frame in again:
            self._socket.send_again(frame)
        self._wait_no_more()
        self._socket.release_messages(FIELD)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _take_verdict(self, value: str) -> None:
        try:
            told = json.loads(value)
            rooms, session, missed = told["rooms"], told["session"], told["missed"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if not isinstance(missed, int):
            return
        recovered = Recovered(
            rooms=rooms is True, session=session is True and self._is_whole, missed=missed
        )
        self._socket.recovered = recovered
        self._socket.dispatch("recovered", recovered)
