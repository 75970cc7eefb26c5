"""`Spark`: one connection on the server."""

from __future__ import annotations

import asyncio
from functools import partial
from threading import get_ident
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from primus.closed import EndCode, Ending
from primus.connection import CLOSED, OPEN, OPENING, Connection
from primus.connection.messages import Messages
from primus.contracts import Server
from primus.emitting import SparkEvents
from primus.errors import ParserError
from primus.events import ReservedEvents
from primus.heartbeat import Generation, HeartbeatState
from primus.http import Address, Headers, Query, Request
from primus.listening import MessageT_co
from primus.protocol import (
    CLOSE,
    SEPARATOR,
    Control,
    IdRequest,
    Ping,
    Pong,
    Side,
    check_message,
    escape_separators_in_utf8,
    id_reply,
    ping,
    pong,
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # every type checker knows it, installed or not
else:
    from typing import TypeVar
from primus.suggestions import suggest

__all__ = ["SPARK_EVENTS", "Spark", "SparkT_co"]

SPARK_EVENTS = frozenset({"readyStateChange", "heartbeat", "error", "data", "end"})

BEFORE_THE_END: Final = SPARK_EVENTS - {"error"}
"""Events that a spark emits no more once it has ended, whatever its listeners still do."""


class Spark(SparkEvents[MessageT_co], Connection[MessageT_co]):
    """One connection on the server. Set your own attributes on it as you like.

    Events: ``data(message, raw)``, ``end(closed)``, ``error(err)``, ``heartbeat``,
    ``readyStateChange(state)``.
    """

    OPENING: ClassVar[int] = OPENING
    CLOSED: ClassVar[int] = CLOSED
    OPEN: ClassVar[int] = OPEN

    side = Side.SERVER
    events = ReservedEvents(SPARK_EVENTS)
    carries = MappingProxyType(
        {"data": 2, "end": 1, "error": 1, "heartbeat": 0, "readyStateChange": 1}
    )
    added = MappingProxyType({"end": 0})
    instead = MappingProxyType(
        {
            "close": "Did you mean 'end'?",
            "connection": "The server emits it: primus.on('connection', fn)",
            "disconnection": "Did you mean 'end'?",
            "open": "The server emits 'connection': primus.on('connection', fn)",
        }
    )
    primus: Server
    """The server; an attribute of the class, since every Primus has a Spark class of its own."""

    def __init__(self, request: Request, id: str, generation: Generation) -> None:
        primus = self.primus
        Connection.__init__(self, primus.parser, primus.pipeline, primus.options.clock, primus.home)
        self.id = id
        """Unique among the sparks of this server, and no secret."""
        self.wire_key: str | None = None
        """What the wire knows it by, which may be a secret: neither show nor log it."""
        self.request = request
        """The request that the connection was made with."""
        self.heartbeat_state = HeartbeatState(self.seen_at, generation)
        self._consumed: asyncio.Event | None = None

    def __repr__(self) -> str:
        return f"<Spark {self.id}>"

    def _named(self) -> str:
        return f"{self!r} of {self.request.address.printable}"

    @property
    def headers(self) -> Headers:
        """The headers of the request, case-insensitive."""
        return self.request.headers

    @property
    def address(self) -> Address:
        """``ip`` and ``port`` of the client, as far as trusted proxies tell them."""
        return self.request.address

    @property
    def query(self) -> Query:
        """The parameters of the URL that the client connected to."""
        return self.request.query

    # -- users

    def write(self, data: Any) -> bool:
        """Send `data` to the client, behind everything written before.

        Returns:
            False when the spark has ended, or when the client reads too slowly and the
            message was dropped (``slow_consumer``). From another thread: whether the event loop
            takes the message, behind those that the thread wrote before; `thread` waits for it.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``.
            ParserError: the parser has no form for `data`; the error says for which part of it.
                Behind an async transform, or an async parser, it is an ``error`` event instead.
        """
        if get_ident() != self._thread:
            return self._write_elsewhere(data)
        send, encode = self._send_text, self._quick_encode
        if send is None or self.pipeline.outgoing:
            return self._state == OPEN and self._submit(data)
        if type(data) is not dict:  # most messages are
            check_message(data)
        try:
            text = encode(data)
        except Exception:
            return self._submit(data)
        send(escape_separators_in_utf8(text) if SEPARATOR in text else text)
        self.sent += 1
        return True

    def end(self, data: Any = None, *, reconnect: bool = False, reason: str = "") -> None:
        """End the connection; what was written before still arrives. Emits ``end`` once.

        Args:
            data: a last message; `None` for none.
            reconnect: let the client come back, rather than tell it to stay away.
            reason: what `closed` says of it, and the log; the client does not see it.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``; nothing has ended.
            ParserError: the parser has no form for `data`; nothing has ended.
        """
        if get_ident() != self._thread:
            self.handed_over(partial(self.end, data, reconnect=reconnect, reason=reason))
            return
        if self._state == CLOSED:
            return
        if data is not None:
            self.write(data)
        self.note(self._own_end(reason))
        if self._become(CLOSED):
            if not reconnect:
                self._tell(CLOSE, last=True)
            self._finish()
            self._depart()

    def heartbeat(self) -> None:
        """Ping the client; it has until the next check to answer."""
        stamp = self.primus.stamp()
        if self.latency_hooks:
            self.heartbeat_state.stamped = str(stamp), self._now()
        if self._traced:
            self.dispatch("outgoing::ping", stamp)
        self._tell(ping(stamp))

    # -- what the core calls

    def open(self) -> None:
        """Become open; frames are taken from now on."""
        self._become(OPEN)

    def reject(self, error: Exception) -> None:
        """Report that a ``connection`` listener failed, and end."""
        self.note(Ending(EndCode.REFUSED, reason="a connection listener raised"))
        self._report(error)
        self.primus.dispatch("log", "error", error)
        self.end()

    @property
    def is_held(self) -> bool:
        """Whether we do not read from it: its silence is then no sign that it is dead."""
        inbox = self._inbox
        is_paused = inbox is not None and inbox.paused
        return is_paused and self._transport is not None and not self._is_congested

    def consumed(self) -> asyncio.Event:
        """Set as soon as an iteration over the messages has begun."""
        if self._consumed is None:
            self._consumed = asyncio.Event()
            if self._iterations is not None and self._iterations.messages is not None:
                self._consumed.set()
        return self._consumed

    def _iterated(self) -> Messages:
        messages = super()._iterated()
        self.iterated()
        return messages

    def iterated(self) -> None:
        """Let the connection phase go on, since messages are iterated over."""
        if self._consumed is not None:
            self._consumed.set()

    def _control(self, message: Control) -> None:
        match message:
            case Ping(stamp):
                self.heartbeat_state.generation = Generation.LEGACY
                if self._traced:
                    self.dispatch("incoming::ping", stamp)
                self.dispatch("heartbeat")
                self._reply("pong", pong(stamp))
            case Pong(stamp):
                if self._traced:
                    self.dispatch("incoming::pong", stamp)
                stamped = self.heartbeat_state.stamped
                if stamped is not None and stamped[0] == stamp:
                    self.heartbeat_state.stamped = None
                    self.measured(self._now() - stamped[1])
                self.dispatch("heartbeat")
            case IdRequest():
                self._reply("id", id_reply(self.id))
            case _:
                self.log.debug("%r: ignored a control message", self)

    def _own_end(self, reason: str = "") -> Ending:
        if self.primus.ending_since:
            return Ending(EndCode.SHUTDOWN, reason=reason)
        return super()._own_end(reason)

    def _undecodable(self, frame: Any, error: Exception) -> None:
        if not self.received and isinstance(error, ParserError | ValueError):
            name = self.primus.parser_name
            hint = f"its first frame: is the client's parser another than {name!r}?"
            text = str(error)
            if not isinstance(error, ParserError):
                text = f"failed to decode incoming data: {error!r}"
            told = ParserError(f"{text} ({hint})", frame)
            told.__cause__ = error
            error = told
        super()._undecodable(frame, error)

    def _ended(self, error: Exception | None) -> None:
        if error is not None:
            self._report(error)
        if self._traced:
            self.dispatch("incoming::end")
        if self._become(CLOSED):
            self._depart()

    def _drop(self) -> None:
        if self._become(CLOSED):
            transport = self._detach()
            if transport is not None:
                transport.abort()
            self._depart()

    def _depart(self) -> None:
        if self._traced:
            self.dispatch("outgoing::end")
        assert self.closed is not None
        self.tally.left(self, self.closed)
        self._log_end()
        self.primus.departed(self)
        self._finish_iteration()
        self.dispatch("end", self.closed)
        # Most listeners refer to the spark: it would be kept until garbage is collected.
        for event in BEFORE_THE_END & self._listeners.keys():
            del self._listeners[event]


suggest(Spark, "Spark")


if TYPE_CHECKING:
    SparkT_co = TypeVar("SparkT_co", bound=Spark, default=Spark, covariant=True)
else:  # TypeVar knows no default before Python 3.13
    SparkT_co = TypeVar("SparkT_co", bound=Spark, covariant=True)
