"""The URLs of a server, as the client half asks for them, and what it is told by the first."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from primus.errors import OptionError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus_transformer_socketio.routes import PROTOCOL

__all__ = ["Address", "Handshake"]

OWN: Final = frozenset({"t", "i", "jsonp", "disconnect"})
"""The fields of a query string that the protocol needs for itself; the user's are not sent."""

LONGEST_TIME: Final = (1 << 31) / 1000
"""Seconds that a timer of JavaScript can wait; what is longer is no time at all."""

_stamps = itertools.count(time.time_ns() // 1_000_000)


class Address:
    """The URLs of a server.

    Args:
        url: the one that was dialled, with its query.

    Raises:
        OptionError: it is none.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        if self._parts.scheme not in ("http", "https") or not self._parts.netloc:
            raise OptionError(f"cannot open a connection to {url!r}")
        fields = self._parts.query.split("&")
        self._fields = [f for f in fields if f and unquote(f.partition("=")[0]) not in OWN]

    def handshake(self) -> str:
        """The URL of a handshake."""
        return self._of("", stamped=True)

    def websocket(self, key: str) -> str:
        """The URL of the WebSocket of a session."""
        return self._of(f"websocket/{quote(key, safe='')}", stamped=False)

    def polling(self, key: str) -> str:
        """The URL of a poll or post of a session."""
        return self._of(f"xhr-polling/{quote(key, safe='')}", stamped=True)

    def _of(self, rest: str, *, stamped: bool) -> str:
        path = f"{self._parts.path.rstrip('/')}/{PROTOCOL}/{rest}"
        stamp = [f"t={next(_stamps)}"] if stamped else []
        query = "&".join([*self._fields, *stamp])
        return urlunsplit(self._parts._replace(path=path, query=query, fragment=""))


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a server tells of a new session; durations are in seconds, `None` for ever.

    ``heartbeat_timeout`` is how long a WebSocket may be silent, ``close_timeout`` how long the
    answer to a poll may take, and ``transports`` what may be used.
    """

    key: str
    heartbeat_timeout: float | None
    close_timeout: float | None
    transports: tuple[str, ...]

    @classmethod
    def read(cls, body: bytes) -> Handshake:
        """What the answer to a handshake tells.

        Raises:
            TransportError: it is no such answer.
        """
        try:
            key, heartbeat, close, transports, *_ = body.decode().split(":")
            if not 0 < len(key) <= DEFAULT_LIMITS.session_id:
                raise ValueError("no id of a session")
            names = tuple(transports.strip().split(","))
            return cls(key, _duration(heartbeat), _duration(close), names)
        except ValueError as error:
            raise TransportError(
                f"the server does not speak Socket.IO 0.9: {body[:60]!r}"
            ) from error


def _duration(text: str) -> float | None:
    if not text:
        return None
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 < seconds <= LONGEST_TIME):
        raise ValueError("no duration")
    return seconds
