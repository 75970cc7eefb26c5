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
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from primus import option_checks as checks
from primus.credentials import separated
from primus.errors import InvalidPluginError, OptionError
from primus.heartbeat import Generation

if TYPE_CHECKING:
    from primus.browser import Browser
    from primus.connection import Connection
    from primus.http import Request, Response
    from primus.server.primus import Primus

__all__ = ["Connector", "Dial", "Receiver", "Transformer", "Transport"]


class Receiver(Protocol):
    """What a transport brings its frames to: a `Connection`, or a transformer on top of it."""

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one frame.

        Args:
            frame: text as `str`, binary as `bytes`.
            last: whether it is a sign of life. A transport that knows that another frame of the
                same read follows may say so: then that one is, and the clock is read but once.
        """

    def seen(self) -> None:
        """Note a sign of life that is no frame."""

    def congested(self, jammed: bool) -> None:
        """More than the limit waits to be sent, or no longer does."""

    def lost(self, error: Exception | None = None) -> None:
        """The wire is gone; `error` says what the peer did wrong, if that is why."""


class Transport(ABC):
    """One live wire that carries the frames of one `Connection`.

    A transport is driven from the event loop's thread only, and nothing in it waits. It tells
    its connection what happens by calling

    * `Connection.feed` for every frame that arrives,
    * `Connection.seen` for a sign of life that is no frame (a WebSocket ping or pong),
    * `Connection.congested` when more than ``high_water`` bytes wait to be sent, and again
      when they have left,
    * `Connection.lost` once, when the wire is gone, whoever ended it.
    """

    __slots__ = ("connection",)

    def __init__(self) -> None:
        self.connection: Receiver | None = None

    @property
    def generation(self) -> Generation:
        """The heartbeat generation of the peer, where the wire itself tells it."""
        return Generation.UNKNOWN

    @abstractmethod
    def send(self, frame: str | bytes) -> None:
        """Send one frame, text for `str` and binary for `bytes`; nothing once it is closing."""

    def send_text(self, text: bytes) -> None:
        """Send one text frame that is there as UTF-8, as `send` would."""
        self.send(text.decode())

    @classmethod
    def prepare(cls, frame: str | bytes) -> Any:
        """What `send_prepared` takes: the frame, made ready once for many connections."""
        return frame

    def send_prepared(self, prepared: Any) -> None:
        """Send a frame that `prepare` of this class has made ready."""
        self.send(prepared)

    def ping(self) -> bool:
        """Ask the peer for a sign of life that is no frame: `Connection.seen` tells of it.

        Returns:
            False when this wire has nothing to ask with.
        """
        return False

    @abstractmethod
    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close in order: what was sent before still arrives. Calling it again does nothing.

        `code` and `reason` mean what the framework takes them for; `None` is its normal close.
        """

    @abstractmethod
    def abort(self) -> None:
        """Drop the wire at once, with whatever waits to be sent."""

    @property
    @abstractmethod
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    @abstractmethod
    def limit(self, high_water: int) -> None:
        """Call `Connection.congested` when more than `high_water` bytes wait to be sent."""

    @abstractmethod
    def pause_reading(self) -> None:
        """Take nothing more from the wire for now."""

    @abstractmethod
    def resume_reading(self) -> None:
        """Go on reading."""


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

    binary: ClassVar[bool] = True
    """Whether it carries frames of `bytes`."""

    def __init__(self, primus: Primus) -> None:
        self.primus = primus

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
class Dial:
    """What a client wants opened.

    ``url`` is complete: ``http:`` or ``https:``, with pathname and query string. Credentials of
    the URL are among the ``headers`` of the options already, unless the user gives a header
    ``Authorization``. ``max_length`` is the largest message taken, in bytes; ``options`` are the
    user's, for the library underneath. ``json`` says that the frames are JSON text, see
    `primus.parser.is_json`.

    Raises:
        OptionError: the credentials or an option cannot be used.
    """

    url: str
    max_length: int
    compression: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    json: bool = False

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

    def check(self, dial: Dial) -> None:
        """Make sure that it knows every option.

        Raises:
            OptionError: it does not.
        """
        if unknown := set(dial.options) - self.options:
            raise OptionError(f"unknown transport option {', '.join(sorted(unknown))}")

    @abstractmethod
    async def open(self, dial: Dial, connection: Connection) -> Transport:
        """A transport that is open, attached to `connection`, and not reading yet.

        The caller starts it with `Transport.resume_reading`, so that no frame arrives before
        the connection is ready.

        Raises:
            HandshakeError: the server answered with another status.
            TransportError: the wire could not be opened.
        """
