"""The raw transport of a WebSocket under ASGI, where a server offers it.

ASGI itself knows messages only. A server that can do better puts an `Offer` into the extensions of
the scope, as `primus.uvicorn` does. The application is called as for every WebSocket, so all of its
middleware decides as usual. What the Primus then takes over passes by the application, message by
message. So an offer holds only where nothing has put a `receive` or `send` of its own in between:
else that is to see the messages, and they go its way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import FunctionType
from typing import Any, Final

from primus.http import HandOver
from primus.server.hosts.asgi_scope import Receive, Scope, Send

__all__ = ["EXTENSION", "Offer", "offered"]

EXTENSION: Final = "primus.transport"

OF_ANSWERS: Final = frozenset(
    {
        (
            "starlette._exception_handler",
            "wrap_app_handling_exceptions.<locals>.wrapped_app.<locals>.sender",
        ),
        ("starlette.middleware.sessions", "SessionMiddleware.__call__.<locals>.send_wrapper"),
    }
)
"""Module and name of functions that see ``http.response.start`` alone, of what they pass on.

Each closes over the ``send`` that it passes everything on to.
"""


class Offer(ABC):
    """One upgrade whose raw transport can be had, until its first event has been asked for."""

    @property
    @abstractmethod
    def channel(self) -> tuple[Receive, Send]:
        """What the server has called the application with."""

    @property
    @abstractmethod
    def head_size(self) -> int:
        """Bytes of the head of the request."""

    @property
    @abstractmethod
    def headers(self) -> Iterable[tuple[str, str]]:
        """What the server adds to all of its answers."""

    @property
    @abstractmethod
    def is_taken(self) -> bool:
        """Whether the transport has been taken."""

    @abstractmethod
    def detach(self, native: Any) -> HandOver:
        """Take the transport away from the server.

        Args:
            native: what stays as `Request.native`.

        Raises:
            ConnectionResetError: the client has gone, or an event was asked for or sent.
        """

    @abstractmethod
    def reject(self, status: int) -> None:
        """Answer with nothing but a status: the server's own WebSocket might not read the head."""

    @abstractmethod
    async def gone(self) -> None:
        """Wait until the connection that was taken has gone."""


def offered(scope: Scope, receive: Receive, send: Send) -> Offer | None:
    """The offer of a server, unless its messages are to pass something in between."""
    offer = (scope.get("extensions") or {}).get(EXTENSION)
    if not isinstance(offer, Offer):
        return None
    return offer if (receive, _behind(send)) == offer.channel else None


def _behind(send: Send) -> Send:
    """What `send` passes all messages of a WebSocket on to, unseen."""
    while isinstance(send, FunctionType) and (send.__module__, send.__qualname__) in OF_ANSWERS:
        names = send.__code__.co_freevars
        if "send" not in names or send.__closure__ is None:
            break
        send = send.__closure__[names.index("send")].cell_contents
    return send
