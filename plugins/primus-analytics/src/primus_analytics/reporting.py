"""What a socket reports, and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, Final

from primus import Packet, Socket
from primus.tasks import spawn
from primus_analytics.settings import Settings

__all__ = ["Reporter", "name_of"]

NAMES: Final = {
    "close": "close",
    "online": "online",
    "reconnected": "reconnected",
    "reconnect failed": "reconnect-failed",
}
"""Events of a socket that are reported each time, and what they are called."""


def name_of(message: Any) -> str:
    """What a message that is sent is called: its event, if it is one of emit or emitter."""
    event: Any = None
    if isinstance(message, dict):
        event = message.get("emit")
        if not isinstance(event, list | tuple):
            kind = message.get("type")
            is_event = kind == 0 and not isinstance(kind, bool)
            event = message.get("data") if is_event else None
    if isinstance(event, list | tuple) and event and isinstance(event[0], str):
        return event[0]
    return "write"


class Reporter:
    """Reports what happens to one socket.

    Args:
        socket: the socket.
        settings: what is reported, and to which sink.
    """

    def __init__(self, socket: Socket, settings: Settings) -> None:
        self._socket = socket
        self._settings = settings
        self._is_reconnecting = False
        """Set from the first ``reconnect scheduled`` until the socket is open again."""

    def follow(self) -> None:
        """Report from now on."""
        socket = self._socket
        for event, name in NAMES.items():
            socket.on(event, self._telling(name))
        socket.on("open", self._opened)
        socket.on("reconnect scheduled", self._scheduled)
        socket.on("error", self._failed)
        socket.transform("outgoing", self._written)

    def _telling(self, name: str) -> Callable[[], None]:
        return lambda: self._tell(name)

    def _opened(self) -> None:
        self._is_reconnecting = False
        self._tell("open")

    def _scheduled(self) -> None:
        if not self._is_reconnecting:
            self._is_reconnecting = True
            self._tell("reconnect-start")

    def _written(self, packet: Packet) -> None:
        self._tell(name_of(packet.data))

    def _failed(self, error: Exception) -> None:
        settings = self._settings
        if settings.events.get("error") is not False:
            self._report(
                {
                    "hitType": "exception",
                    "exDescription": str(error),
                    "appName": settings.app,
                    "exFatal": True,
                }
            )

    def _tell(self, name: str) -> None:
        action = self._settings.action(name)
        if action is not None:
            self._report(
                {
                    "eventAction": action,
                    "eventCategory": self._settings.category,
                    "hitType": "event",
                    "nonInteraction": 1,
                }
            )

    def _report(self, report: dict[str, Any]) -> None:
        """Give a report to the sink; one that raises stops neither the socket nor a message."""
        sink = self._settings.sink
        if sink is None:
            return
        try:
            taking = sink(report)
        except Exception as error:
            self._log(error)
            return
        if isawaitable(taking):
            spawn(self._taken(taking))

    async def _taken(self, taking: Awaitable[Any]) -> None:
        try:
            await taking
        except Exception as error:
            self._log(error)

    def _log(self, error: Exception) -> None:
        socket = self._socket
        text = f"{socket!r}: the sink of analytics raised"
        socket.failures.log(socket.log, text, error, socket.clock.time())
