"""The interfaces of a transformer: the adapter for one real-time framework.

A transformer has three halves. The `Transformer` itself takes HTTP requests and upgrades on
a server and makes a `Transport` for each connection. Its `Connector` opens a `Transport`
from a client. Its `Browser` half is JavaScript. A distribution offers all three by one
entry point in the group ``primus.transformers``, which names a module with

    @hookimpl
    def primus_transformer() -> type[Transformer]: ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from primus import option_checks as checks
from primus.contracts import Attachable, Server
from primus.credentials import separated
from primus.errors import InvalidPluginError, OptionError
from primus.http import Request, Response
from primus.limits import DEFAULT_LIMITS, Limits
from primus.transport import Receiver, Transport

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["Connector", "DialOptions", "Receiver", "Transformer", "Transport"]


class Transformer(ABC):
    """The server half: turns the requests below ``primus.pathname`` into connections.

    Raises:
        OptionError: in the constructor, for transport options that cannot work.
    """

    name: ClassVar[str] = "custom"
    """The name that ``/spec`` shows."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """What the host must offer.

    ``"transport"``: a raw transport that is handed over; ``"websocket"``: a WebSocket, be it
    handed over or the host's own; ``"http"``: plain requests, whose answers may stream.
    """

    takes_transports: bool = False
    """Whether `upgrade` takes the raw transport of every `Request` that has one.

    A server of our own then spares itself the preparation of a WebSocket.
    """

    begins_bare: ClassVar[bool] = False
    """Whether `request` asks for no current task before it first waits, as `asyncio.timeout` does.

    A server of our own then answers without a task what need not wait.
    """

    upgrades_bare: ClassVar[bool] = False
    """The same of `upgrade`, for a `Request` that has a raw transport."""

    binary: ClassVar[bool] = True
    """Whether it carries frames of `bytes`."""

    def __init__(self, primus: Server) -> None:
        self.primus = primus

    def opens(self, request: Request) -> bool:
        """Whether a request asks for a new connection, so that a full server refuses it.

        It is asked before any middleware runs. By default every upgrade does, and no other
        request.
        """
        return request.upgrade

    names_by_client: ClassVar[bool] = False
    """Whether clients name their sessions; otherwise their names begin with `Primus.node`."""

    def session_of(self, request: Request) -> str | None:
        """The name of the session that a request continues, wherever that lives.

        It is asked before any middleware runs, and, of several processes on one port, before it is
        known which of them the request is for: then only method, path and query are there. By
        default no session consists of several requests.
        """
        return None

    def has_session(self, id: str) -> bool:
        """Whether the session of that name lives here."""
        return False

    @abstractmethod
    async def request(self, request: Request) -> Response:
        """The answer to a plain HTTP request that has passed the middleware."""

    @abstractmethod
    async def upgrade(self, request: Request) -> Response | None:
        """Take over an upgrade that has passed the middleware.

        Returns:
            `None` once the connection is taken over, or a `Response` that refuses it.
        """

    async def close(self) -> None:
        """Let go of everything; all connections have ended by now."""

    @classmethod
    def connector(cls) -> Connector:
        """The Python client half.

        Raises:
            InvalidPluginError: this transformer has none.
        """
        raise InvalidPluginError(f"the transformer {cls.name!r} has no Python client half")

    @classmethod
    def browser(cls) -> Browser:
        """The browser half.

        Raises:
            InvalidPluginError: this transformer has none.
        """
        raise InvalidPluginError(f"the transformer {cls.name!r} has no browser half")


@dataclass(frozen=True, slots=True)
class DialOptions:
    """What a client wants opened.

    ``url`` is complete: ``http:`` or ``https:``, with pathname and query string. Credentials of
    the URL are among the ``headers`` of the options already, unless the user gives a header
    ``Authorization``. ``max_length`` is the largest message taken, in bytes; ``options`` are the
    user's, for the library underneath. ``json`` says that the frames are JSON text, see
    `primus.parser.is_json`. ``limits`` are the bounds of what the server may cost.

    Raises:
        OptionError: the credentials or an option cannot be used.
    """

    url: str
    max_length: int
    compression: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    json: bool = False
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        options = checks.transport("transport", self.options)
        url, headers = separated(self.url, options.get("headers"))
        if url != self.url:
            object.__setattr__(self, "url", url)
            object.__setattr__(self, "options", {**options, "headers": headers})


class Connector(ABC):
    """The client half: opens wires."""

    options: ClassVar[frozenset[str]] = frozenset()
    """The names of the ``transport`` options that it takes."""
    asks: ClassVar[bool] = False
    """Whether a server that fails it may be asked for its ``/spec``: it speaks HTTP."""
    upgrades: ClassVar[bool] = False
    """Whether it opens a WebSocket at once, so that a proxy may be what keeps it from that."""

    def check(self, dial: DialOptions) -> None:
        """Make sure that it knows every option.

        Raises:
            OptionError: it does not.
        """
        if unknown := set(dial.options) - self.options:
            raise OptionError(f"unknown transport option {', '.join(sorted(unknown))}")

    @abstractmethod
    async def open(self, dial: DialOptions, connection: Attachable) -> Transport:
        """A transport that is open, attached to `connection`, and not reading yet.

        The caller starts it with `Transport.resume_reading`, so that no frame arrives before
        the connection is ready.

        Raises:
            HandshakeError: the server answered with another status.
            TransportError: the wire could not be opened.
        """
