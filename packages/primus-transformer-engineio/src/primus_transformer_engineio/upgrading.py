"""WebSockets that are tried out while a session is still polled."""

from __future__ import annotations

from typing import Final

from primus.closed import Ending
from primus.transformer import Transport
from primus_transformer_engineio.packets import PING, PONG, PROBE, UPGRADE
from primus_transformer_engineio.session import Session

__all__ = ["Probe", "try_out"]

QUESTION: Final = PING + PROBE
ANSWER: Final = PONG + PROBE


class Probe:
    """Receives what comes over such a WebSocket: a probe, and then the switch."""

    __slots__ = ("_binary", "_session", "_wire", "answered")

    def __init__(self, session: Session, wire: Transport, *, binary: bool) -> None:
        self._binary = binary
        self._session = session
        self._wire = wire
        self.answered = False
        """Whether the client knows that the WebSocket works."""

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Answer the probe, or switch."""
        if frame == QUESTION:
            if self.answered:
                return  # what is asked again needs no second answer
            self.answered = True
            self._wire.send(ANSWER)
            self._session.probed()
        elif frame == UPGRADE:
            self._session.upgrade(self._wire, binary=self._binary)
        else:
            self.drop()
            self._session.abandoned()

    def seen(self) -> None:
        """Do nothing: nothing depends on it."""

    def congested(self, congested: bool) -> None:
        """Do nothing: hardly anything is sent."""

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the WebSocket."""
        self._session.abandoned()

    def drop(self) -> None:
        """Abandon the upgrade."""
        self._wire.connection = None
        self._wire.close()


def try_out(session: Session, binary: bool, wire: Transport) -> None:
    """Try out a WebSocket for a session, unless it has one."""
    probe = Probe(session, wire, binary=binary)
    if session.probe(probe):
        wire.connection = probe
    else:
        wire.close()
