"""The client half in Python; a server does without this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

from primus import ClientOptions, MessageT_co, OptionError, Socket
from primus.clock import Timer
from primus_mirage.ids import EVENT, FIELD

__all__ = ["MirageSocket", "MirageSocketOptions", "follow"]

LONGEST: Final = 4096
"""Characters of an id that is taken: with a longer one no server would read the next request."""

PATIENCE: Final = 5.0
"""Seconds after the opening in which an id should have come; then the log says so."""


class MirageSocketOptions(ClientOptions, total=False):
    """The options of a socket with the plugin ``mirage``."""

    mirage: str


class MirageSocket(Socket[MessageT_co]):
    """A socket with the plugin ``mirage``; applications derive from it."""

    mirage: str = ""
    """The session id, as the server has announced it; empty until then."""

    if TYPE_CHECKING:

        def __init__(self, url: str, **options: Unpack[MirageSocketOptions]) -> None: ...


def follow(socket: Any, id: object) -> None:
    """Give a socket the id it is to use, or let its messages wait until it has one.

    Raises:
        OptionError: the id is no text.
    """
    if not isinstance(id, str):
        raise OptionError(f"mirage={id!r}: must be the session id of an earlier connection")
    session = _Session(socket)
    socket.on(EVENT, session.announced)
    if id:
        session.take(id)
    elif hasattr(type(socket), "send") or type(socket).emit is not Socket.emit:
        socket.hold_messages(EVENT)
        socket.on("open", session.wait)
        socket.on("close", session.stop)
    else:
        socket.log.warning(
            "%r: the plugin 'mirage' learns the session id through an event plugin, and none is "
            "in use: plugin='mirage, emit', or 'mirage, emitter', as the server has it",
            socket,
        )


class _Session:
    """The id of one socket."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._timer: Timer | None = None
        """Set while the socket is open without an id."""

    def announced(self, id: object = None) -> None:
        """Take the id that the server has sent."""
        if isinstance(id, str) and 0 < len(id) <= LONGEST:
            self.take(id)
            self.stop()
            self._socket.release_messages(EVENT)

    def take(self, id: str) -> None:
        """Send the id along from now on."""
        self._socket.mirage = self._socket.carried[FIELD] = id

    def wait(self) -> None:
        """Wait for an id, and log when it does not come: all messages wait as well."""
        if not self._socket.mirage:
            self._timer = self._socket.clock.call_later(PATIENCE, self._say)

    def stop(self) -> None:
        """Wait for nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(self) -> None:
        self._timer = None
        self._socket.log.warning(
            "%r: no session id for %d s, for which all messages wait: does the server use the "
            "plugin 'mirage' with the same event plugin?",
            self._socket,
            PATIENCE,
        )
