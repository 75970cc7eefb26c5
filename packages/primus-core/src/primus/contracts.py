"""What an extension may use of a server and of a connection: the seam is typed by these Protocols.

A transformer, a host, a layer or a plugin gets a `Primus`, a `Spark` or a `Socket`, and is written
against what stands here, so that nothing it stands on has to know those classes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from primus.clock import Clock
from primus.events import Delivered, Delivering, Replying
from primus.http import Request, Response
from primus.limits import Limits
from primus.options import ServerOptions
from primus.parser import Parser
from primus.pipeline import Pipeline
from primus.threads import Home
from primus.transport import Receiver, Transport
from primus.write_watch import WriteWatch

if TYPE_CHECKING:
    from primus.browser import Artefact

__all__ = ["Attachable", "ConnectionLike", "Elsewhere", "Events", "Server"]

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Events(Protocol):
    """What emits events; see `primus.events.Emitter`."""

    @property
    def log(self) -> logging.Logger:
        """Where it logs."""

    def on(self, event: str, fn: Callable[..., Any]) -> Any:
        """Add a listener."""

    def once(self, event: str, fn: Callable[..., Any]) -> Any:
        """Add a listener for the next time only."""

    def off(self, event: str | None = None, fn: Callable[..., Any] | None = None) -> None:
        """Remove a listener, or all of an event, or all."""

    def emit(self, event: str, /, *args: Any) -> bool:
        """Emit an event of the user's, over the wire where a plugin says so."""

    def dispatch(self, event: str, /, *args: Any) -> bool:
        """Emit an event here; whether it has listeners."""

    def deliver(self, event: str, /, *args: Any) -> Delivered:
        """Bring what has arrived from the other side to the listeners of an event."""

    def deliver_request(self, event: str, /, *args: Any, reply: Replying) -> Delivered:
        """Bring a request from the other side to the listeners of an event, which answer it."""

    def take_request(self, event: str, args: Sequence[Any], reply: Replying) -> Delivered:
        """As `deliver_request`."""

    def listeners(self, event: str) -> tuple[Callable[..., Any], ...]:
        """The listeners of an event."""

    def reserved(self, event: str) -> bool:
        """Whether an event is emitted by Primus itself, or by a plugin in use."""


class Attachable(Receiver, Protocol):
    """What a connector attaches the transport to that it has opened."""

    def attach(self, transport: Transport) -> None:
        """Carry frames over `transport` from now on."""


class ConnectionLike(Events, Attachable, Protocol):
    """One end of a connection: a `Spark` or a `Socket`."""

    limits: Limits
    pipeline: Pipeline

    @property
    def clock(self) -> Clock:
        """What tells it the time."""

    @property
    def ready_state(self) -> int:
        """`OPENING` (1), `CLOSED` (2) or `OPEN` (3)."""

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    def deliver(self, event: str, /, *args: Any, to: Delivering | None = None) -> Delivered:
        """Bring what has arrived to the listeners of an event: its own, or those of `to`."""

    def write(self, data: Any) -> bool:
        """Send a message; False when it was dropped."""

    def send_control(self, name: str, value: str = "") -> None:
        """Send a control message of a plugin, to a peer that has the plugin."""

    def end(self, data: Any = None) -> None:
        """End the connection in order, behind a last message."""

    def abort(self) -> None:
        """Drop the connection at once."""


class Elsewhere(Protocol):
    """What brings requests to another process on the same port, where their session lives."""

    def take(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Hand a connection over with what has been read from it; False when it is to stay."""

    def give(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Hand a connection over since this process ends; False when there is no other."""

    async def answer(self, request: Request) -> tuple[Response | None] | None:
        """The answer of another process; `None` when this one is to answer."""


class Server(Events, Protocol):
    """A `Primus`."""

    options: ServerOptions
    limits: Limits
    parser: Parser
    parser_name: str
    transformer: Any
    transformer_name: str
    pathname: str
    elsewhere: Elsewhere | None
    """What brings requests to the process that their session lives in, if there are several."""
    node: str
    """Its name among the servers of its cluster; the ids of its sparks begin with it."""
    pipeline: Pipeline
    authorization: Callable[..., Any] | None
    home: Home | None
    """The thread and the loop that its sparks live on; `None` before the first."""
    writes: WriteWatch
    """Drops the connections whose peers take nothing; hosts and engines add theirs."""
    draining: bool
    """Whether new handshakes are refused, since the server is being destroyed."""
    ending_since: float
    """When the end has begun, in seconds of the running loop; 0 before."""
    host: Any
    """What connects it to an HTTP server; `None` while nothing does."""

    @property
    def connected(self) -> int:
        """How many connections there are."""

    def __len__(self) -> int:
        """How many connections there are."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the connections there are now."""

    # -- for transformers

    def accept(self, transport: Transport, request: Request, id: str | None = None) -> Any:
        """Make a spark for a connection that has been opened."""

    def departed(self, spark: Any) -> None:
        """Take note that a spark has ended."""

    def stamp(self) -> int:
        """The time that a ping carries, in milliseconds since the epoch."""

    # -- for hosts

    def initialise(self) -> None:
        """Take note that the HTTP server runs."""

    def relocate(self, pathname: str) -> None:
        """Be found at another pathname."""

    async def handle(self, request: Request) -> Response | None:
        """Answer a request; `None` once an upgrade has been taken over."""

    async def destroy(
        self,
        *,
        close: bool = True,
        reconnect: bool = False,
        timeout: float = 0,
        over: float = 0,
    ) -> None:
        """Stop."""

    # -- for layers and plugins

    @property
    def spec(self) -> Mapping[str, Any]:
        """What a client has to know."""

    def library(self, format: Any = "umd", *, minified: bool = False) -> str:
        """The browser client that fits."""

    def library_file(self, name: str) -> tuple[Artefact, dict[str, str]] | None:
        """A file of the browser client as it is served, and headers for it."""

    def declarations(self, format: Any = "umd") -> str:
        """The TypeScript declarations of the browser client."""

    def spark(self, id: str) -> Any:
        """The spark with that id, or `None`."""

    def write(self, data: Any, *, to: Iterable[Any] | None = None) -> None:
        """Send a message to every spark, or to those of them that are given."""

    def relay(self, frame: str | bytes, *, to: Iterable[Any] | None = None) -> None:
        """Send a frame of the parser's to every spark, or to those of them that are given."""

    def for_each(self, fn: Callable[[Any], Any]) -> Awaitable[None] | None:
        """Call a function with every spark."""
