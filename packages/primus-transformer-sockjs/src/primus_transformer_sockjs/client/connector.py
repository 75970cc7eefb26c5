"""Opens sessions by the first transport that works."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from primus.clock import Within
from primus.errors import HandshakeError, OptionError, TransportError
from primus.ids import new_key
from primus.transformer import Connector, DialOptions, Transport
from primus_transformer_sockjs.client.http import HTTPSession, below
from primus_transformer_sockjs.client.websocket import open_websocket

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["SockJSConnector"]

ATTEMPT: Final = 5.0
"""Seconds that a transport gets to open, when there is another one to try."""


async def _websocket(dial: DialOptions, path: str) -> Transport:
    return await open_websocket(dial, below(dial.url, path + "/websocket"))


async def _streaming(dial: DialOptions, path: str) -> Transport:
    return await HTTPSession.open(dial, path, "/xhr_streaming")


async def _polling(dial: DialOptions, path: str) -> Transport:
    return await HTTPSession.open(dial, path, "/xhr")


OPENERS: Final[Mapping[str, Callable[[DialOptions, str], Awaitable[Transport]]]] = {
    "websocket": _websocket,
    "xhr-streaming": _streaming,
    "xhr-polling": _polling,
}
"""The transports by the names that sockjs-client has for them, best first."""


class SockJSConnector(Connector):
    """Opens sessions."""

    options = frozenset(
        {"attempt_timeout", "close_timeout", "headers", "ssl", "transports", "unix"}
    )
    asks = True
    transports: ClassVar[Sequence[str]] = tuple(OPENERS)
    """What is tried, unless the option ``transports`` says something else."""

    async def open(self, dial: DialOptions, connection: Attachable) -> Transport:
        """A session at ``dial.url``, open and not reading yet.

        Raises:
            HandshakeError: the server refused, whatever was tried.
            TransportError: it cannot be reached, or does not speak SockJS.
            OptionError: a transport option cannot be used.
        """
        self.check(dial)
        transport = await self._first(dial, _names(dial.options.get("transports", self.transports)))
        connection.attach(transport)
        return transport

    async def _first(self, dial: DialOptions, names: Sequence[str]) -> Transport:
        failure: TransportError | None = None
        for name in names:
            limit = float(dial.options.get("attempt_timeout", ATTEMPT))
            try:
                async with Within(None if name == names[-1] else limit):
                    return await OPENERS[name](dial, _path())
            except TransportError as error:
                if _is_final(error):
                    raise
                failure = failure or error
            except TimeoutError as error:
                failure = failure or TransportError(f"{name} did not open within {limit} s")
                failure.__cause__ = error
        assert failure is not None
        raise failure


def _names(names: Sequence[str]) -> Sequence[str]:
    chosen = [names] if isinstance(names, str) else list(names)
    if not chosen or set(chosen) - set(OPENERS):
        raise OptionError(f"transports={names!r}: must be some of {', '.join(OPENERS)}")
    return chosen


def _path() -> str:
    """Of a new session: three digits for load balancers, and a key."""
    return f"/{secrets.randbelow(1000):03}/{new_key()}"


def _is_final(error: TransportError) -> bool:
    """Whether another transport would fare no better.

    Primus refuses with a reason; a proxy that does not know WebSockets has another form.
    """
    if not isinstance(error, HandshakeError):
        return isinstance(error.__cause__, OSError)
    try:
        return "error" in json.loads(error.body)
    except (ValueError, TypeError, RecursionError):
        return False
