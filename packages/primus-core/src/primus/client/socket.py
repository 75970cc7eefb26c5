"""`Socket`: a connection to a Primus server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from threading import get_ident
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar, Final, Self, Unpack, cast

from primus.callables import dispose, is_awaitable
from primus.client.address import Stamps, parse_url
from primus.client.closing import Closing
from primus.client.diagnosis import Client, differences, why_no_wire
from primus.client.dialer import Dialer
from primus.client.heartbeat import Heartbeat, rhythm
from primus.client.network import Subscription, watch
from primus.client.profile import ServerProfile
from primus.client.receive_buffer import ReceiveBuffer
from primus.client.reconnect import Reconnection
from primus.client.send_queue import SendQueue
from primus.client.state import FINAL, OVER, Action, Event, Machine, State
from primus.clock import Timer, expect
from primus.closed import EndCode, Ending, because_of, of_error, silent
from primus.connection import CLOSED, FRAME, OPEN, OPENING, Connection
from primus.connection.messages import Message
from primus.emitting import SocketEvents
from primus.errors import (
    ConnectTimeout,
    HandshakeError,
    OptionError,
    ParserError,
    PrimusError,
    TransformError,
    TransportError,
)
from primus.events import Listener, ReservedEvents
from primus.failures import Failures
from primus.listening import MessageT_co
from primus.option_types import ClientOptions
from primus.parser import is_json, parser_name
from primus.pipeline import SWALLOWED, Packet, Pipeline, run
from primus.protocol import Close, Control, Id, Ping, Side, id_request, pong
from primus.suggestions import suggest
from primus.tasks import spawn
from primus.transformer import DialOptions, Transport
from primus.transforming import Transforming

__all__ = ["PROFILE_OPTIONS", "SOCKET_EVENTS", "Socket"]

SOCKET_EVENTS = frozenset(
    {
        "close",
        "data",
        "destroy",
        "end",
        "error",
        "offline",
        "online",
        "open",
        "readyStateChange",
        "reconnect",
        "reconnect failed",
        "reconnect scheduled",
        "reconnect timeout",
        "reconnected",
        "timeout",
    }
)

PROFILE_OPTIONS = ("transformer", "parser", "plugin", "pathname")
"""The options that a class which was not made for a server takes in addition."""

FIRST: Final = "first"
"""What holds messages while something that goes ahead of them is being transformed."""

UNDER_WAY: Final = (State.SCHEDULED, State.CONNECTING, State.REFUSED, State.WAITING, State.RETRYING)
"""There is no connection: what ends the client is no end of one."""

_stamps = Stamps()


class Socket(Transforming, SocketEvents[MessageT_co], Connection[MessageT_co]):
    """A connection to a Primus server, which reconnects when it is lost.

    It opens on the next turn of the running event loop, unless ``manual=True``, and can be
    used before: what is written is kept until it is open.

    Events: ``open``, ``data(message, raw)``, ``error(err)``, ``close(closed)``, ``end(closed)``,
    ``readyStateChange(state)``, ``timeout``, ``offline``, ``online``, ``reconnect(opts)``,
    ``reconnect scheduled(opts)``, ``reconnected(opts)``, ``reconnect timeout(err, opts)``,
    ``reconnect failed(err, opts)``, ``destroy``.

    Args:
        url: where the server is: ``http:``, ``https:``, ``ws:`` or ``wss:``. Its query string
            reaches the server; its path is not used.
        options: see docs/options.md. A class that was not made for a server also takes
            ``transformer``, ``parser``, ``plugin`` and ``pathname``.

    Raises:
        OptionError: the URL cannot be used, an option is unknown, or its value cannot work.
        PluginError: a transformer, parser or plugin is unknown, broken or invalid.
        RuntimeError: no event loop is running.
    """

    OPENING: ClassVar[int] = OPENING
    CLOSED: ClassVar[int] = CLOSED
    OPEN: ClassVar[int] = OPEN

    side = Side.CLIENT
    log = logging.getLogger("primus.client")
    events = ReservedEvents(SOCKET_EVENTS)
    instead = MappingProxyType(
        {
            "connect": "Did you mean 'open'?",
            "connection": "Did you mean 'open'?",
            "disconnect": "Did you mean 'close', or 'end'?",
            "disconnection": "Did you mean 'close', or 'end'?",
        }
    )
    carries = MappingProxyType(
        {
            "close": 1,
            "data": 2,
            "destroy": 0,
            "end": 1,
            "error": 1,
            "offline": 0,
            "online": 0,
            "open": 0,
            "readyStateChange": 1,
            "reconnect": 1,
            "reconnect failed": 2,
            "reconnect scheduled": 1,
            "reconnect timeout": 2,
            "reconnected": 1,
            "timeout": 0,
        }
    )
    added = MappingProxyType({"close": 0, "end": 0})
    profile: ClassVar[ServerProfile | None] = None
    """What the class knows of its servers; `None` for the class that is made for none yet."""

    def __new__(cls, url: str, **options: Unpack[ClientOptions]) -> Self:
        """A socket of a class that is made for the server."""
        given: Mapping[str, Any] = options
        names = {name: given[name] for name in PROFILE_OPTIONS if name in given}
        if cls.profile is None:
            from primus.client.socket_class import fitted

            return super().__new__(cast("type[Self]", fitted(cls, **names)))
        if names:
            raise OptionError(
                f"{', '.join(names)}: this Socket class has been made for a server; use "
                "primus.Socket, or create_socket, for another one"
            )
        return super().__new__(cls)

    def __init__(self, url: str, **options: Unpack[ClientOptions]) -> None:
        profile = self.profile
        assert profile is not None
        given = {name: value for name, value in options.items() if name not in PROFILE_OPTIONS}
        chosen = profile.options(given)
        super().__init__(profile.parser, Pipeline(), chosen.clock)
        self.limits = chosen.limits()
        self.failures = Failures(self.limits.traceback_interval)
        self.url = url
        """Where the server is, as the user gave it."""
        self.options = chosen
        """The options in force."""
        self.carried: dict[str, str] = {}
        """What the query of every connection carries, besides that of `url`; for plugins."""
        self.online = True
        """False from ``offline`` to ``online``."""
        self.sent_at = self.seen_at
        """When the last frame was sent, in seconds of the connection's clock."""
        self._profile = profile
        self._address = parse_url(url, profile.pathname)
        self._machine = Machine(State.NEW, profile.strategy(chosen.strategy), self._act)
        self._queue = SendQueue(chosen.queue_size)
        self._is_compared = False
        """Whether the server has been asked what it is, since its first frame was none."""
        self._finishes_later = False
        """Whether the wire is to be closed once an async parser is done with the queue."""
        self._received: ReceiveBuffer | None = None
        """Messages that came before anything read them; only in a socket of `connect`."""
        self._closing = Closing()
        self._id: str | None = None
        self._ids: list[asyncio.Future[str]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._turn: asyncio.Handle | None = None
        self._timeout: Timer | None = None
        self._subscription: Subscription | None = None
        self._dialer = Dialer(
            self._open_wire,
            opened=self._dialled,
            failed=self._dial_failed,
            unwanted=self._abort_wire,
            leaving=self._closing.add,
        )
        handle = self._machine.handle
        self._reconnection = Reconnection(
            chosen.reconnect,
            chosen.clock,
            self.dispatch,
            due=lambda attempt: handle(Event.DUE, attempt),
            late=lambda error, attempt: handle(Event.ATTEMPT_LATE, error, attempt),
            exhausted=self._exhausted,
        )
        self._heartbeat = Heartbeat(
            rhythm(chosen.ping, chosen.pong, chosen.ping_timeout, profile.timeout),
            chosen.clock,
            ask=lambda: self._tell(id_request()),
            traffic=lambda: (self.sent_at, self.seen_at),
            is_held=self._is_held,
            expired=self._silent,
        )
        for name in profile.ark:
            profile.ark.call(name, "primus_socket", socket=self, options=chosen.extra)
        if not chosen.manual:
            self._machine.state = State.SCHEDULED
            self._turn = asyncio.get_running_loop().call_soon(handle, Event.TURN)

    def __repr__(self) -> str:
        return f"<Socket {self._address.scheme}://{self._address.host}{self._address.pathname}>"

    # -- what users call

    def write(self, data: Any) -> bool:
        """Send `data`, behind everything written before, or keep it until the socket is open.

        Returns:
            False when the socket has ended and will not come back by itself (`end`, no
            reconnection left, the server's word), or has been destroyed: nothing is kept then. From
            another thread: whether the event loop takes the message, behind those that the thread
            wrote before; `thread` waits for it.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``.
            ParserError: the parser has no form for `data`; the error says for which part of it.
                Behind an async transform, or an async parser, it is an ``error`` event instead.
        """
        if get_ident() != self._thread:
            return self._write_elsewhere(data)
        if self._machine.state in FINAL:
            return False
        self._submit(data)
        return True

    def plugin(self, name: str | None = None) -> Any:
        """The plugin in use by that name, or `None`; without a name, all of them."""
        ark = self._profile.ark
        return ark if name is None else ark.get(name)

    def open(self) -> Self:
        """Open the connection; nothing happens when that is under way already.

        Raises:
            PrimusError: the socket has been destroyed.
        """
        if self._machine.state is State.DESTROYED:
            raise PrimusError("a socket that has been destroyed cannot be opened")
        self._machine.handle(Event.CALL_OPEN)
        return self

    async def opened(self) -> Self:
        """Open the connection if need be, and wait until it is open.

        Returns:
            The socket itself.

        Raises:
            HandshakeError: the server refused it.
            ConnectTimeout: it was not open within ``timeout`` seconds.
            TransportError: the first attempt failed, or the connection ended.
        """
        if self._machine.state in OVER:
            self.open()
        if self._state != OPEN:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self

    def end(self, data: Any = None) -> None:
        """End the connection for good; what was written before still arrives.

        Emits ``end`` once, and stops a reconnection that is under way.

        Args:
            data: a last message; `None` for none.
        """
        if self.handed_over(self.end, data) is not None:
            return
        if data is not None and self._machine.state not in OVER | {State.WAITING}:
            self.write(data)
        self._end(Event.CALL_END)

    def destroy(self) -> bool:
        """End the connection, emit ``destroy`` and remove all listeners.

        Returns:
            False when that has happened already.
        """
        return self._end(Event.CALL_DESTROY)

    def _end(self, event: Event) -> bool:
        """End since the user asks for it; a connection that is lost already ended before."""
        if self._machine.state in UNDER_WAY:
            self._ending = self._own_end()
        elif self._machine.state is State.OPEN:
            self.note(self._own_end())
        return self._machine.handle(event)

    async def wait_closed(self) -> None:
        """Wait until the wires of all connections that have ended are gone."""
        await self._closing.wait()

    async def __aenter__(self) -> Self:
        try:
            return await self.opened()
        except BaseException:
            self.end()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        await self.wait_closed()

    @property
    def latency(self) -> float:
        """The last round trip to the server, in seconds; 0 before the first."""
        return self._heartbeat.latency

    async def id(self) -> str:
        """The id that this connection has on the server; waits for the connection to open.

        Raises:
            TransportError: the socket has ended, or was never opened.
        """
        known = self._known_id()
        if known is not None:
            return known
        if self._machine.state in OVER:
            raise TransportError("there is no connection that could have an id")
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ids.append(answer)
        if self._state == OPEN and not self._heartbeat.asking:
            self._heartbeat.ask()
        return await answer

    def _known_id(self) -> str | None:
        if self._state != OPEN or self._transport is None:
            return None
        return self._id

    # -- what happens

    def _act(self, action: Action, *args: Any) -> None:
        ACTIONS[action](self, *args)

    async def _open_wire(self) -> None:
        options = self.options
        address = self._address.dialled(_stamps.next(time.time_ns() // 1_000_000), self.carried)
        if self._traced:
            self.dispatch("outgoing::url", address)
            self.dispatch("outgoing::open")
        dial = DialOptions(
            str(address),
            options.max_length,
            options.compression,
            options.transport,
            json=is_json(self._profile.parser),
            limits=self.limits,
        )
        try:
            await self._profile.connector.open(dial, self)
        except TransportError as error:
            if self._machine.state is State.CONNECTING and self._profile.connector.asks:
                timeout = self.limits.diagnosis_timeout
                _add(error, await why_no_wire(error, self._as_client(), timeout))
            raise

    def _as_client(self) -> Client:
        """How this client is configured, to be compared with the server."""
        profile = self._profile
        return Client(
            self._address,
            profile.transformer_name,
            parser_name(profile.parser),
            tuple(profile.ark),
            self.options.transport,
            upgrades=profile.connector.upgrades,
        )

    def _undecodable(self, frame: Any, error: Exception) -> None:
        """Report a frame; before the first that is none, compare what the server says it is."""
        if self.received or self._is_compared or not self._profile.connector.asks:
            super()._undecodable(frame, error)
            return
        self._is_compared = True
        spawn(self._compare(frame, error))

    async def _compare(self, frame: Any, error: Exception) -> None:
        """Report a first frame that cannot be read, with what differs from the server."""
        try:
            found = differences(
                await self._as_client().spec(self.limits.diagnosis_timeout), self._as_client()
            )
        except PrimusError:
            found = ""
        if found:
            text = f"cannot read what the server sends: {found}"
            told = ParserError(text, frame)
            told.__cause__ = error
            error = told
        super()._undecodable(frame, error)

    def _dialled(self) -> None:
        if self._transport is None:
            why = because_of(self._ending, "client", 0.0)
            self._dial_failed(
                TransportError(f"the connection was closed as soon as it was open: {why.reason}")
            )
        else:
            self._machine.handle(Event.OPENED)

    def _dial_failed(self, error: Exception) -> None:
        if isinstance(error, OptionError):
            self._ending = Ending(EndCode.UNREACHABLE, reason=str(error))
            self._machine.handle(Event.USELESS, error)
            return
        if not isinstance(error, TransportError):
            cause = error
            error = TransportError(f"could not connect to {self._address.host}: {cause!r}")
            error.__cause__ = cause
        self._ending = _never_opened(error)
        self._machine.handle(Event.FAILED, error)

    def _silent(self) -> None:
        self.note(silent("server", self._now() - self.seen_at, "ping_timeout"))
        self._machine.handle(Event.SILENT)

    def _exhausted(self, error: Exception, attempt: object) -> None:
        self._ending = _never_opened(error)
        self._machine.handle(Event.EXHAUSTED, error, attempt)

    def _late(self) -> None:
        self._timeout = None
        host, seconds = self._address.host, self.options.timeout
        error = ConnectTimeout(f"{host} did not answer within {seconds} s")
        self._ending = Ending(EndCode.UNREACHABLE, reason=str(error), option="timeout")
        self._machine.handle(Event.LATE, error)

    def _drop(self) -> None:
        self._machine.handle(Event.DROP)

    def _ended(self, error: Exception | None) -> None:
        if self._state != OPEN:
            return
        if error is not None:
            self._report(error)
        self._machine.handle(Event.GONE)

    def _network(self, online: bool) -> None:
        """Handle that the machine has come online, or gone offline."""
        if online != self.online:
            if not online and self._machine.state not in OVER:
                self._ending = Ending(EndCode.OFFLINE)
            self._machine.handle(Event.ONLINE if online else Event.OFFLINE)

    def _control(self, message: Control) -> None:
        match message:
            case Ping(stamp):
                if self._traced:
                    self.dispatch("incoming::ping", stamp)
                    self.dispatch("outgoing::pong", stamp)
                self._heartbeat.pinged()
                self._reply("pong", pong(stamp))
            case Id(id):
                self._id = id
                if self._heartbeat.answered():
                    self.measured(self._heartbeat.latency)
                ids, self._ids = self._ids, []
                for waiting in ids:
                    if not waiting.done():
                        waiting.set_result(id)
                if self._traced:
                    self.dispatch("incoming::id", id)
            case Close():
                self.note(Ending(EndCode.SERVER_END))
                self._machine.handle(Event.SERVER_CLOSE)
            case _:
                self.log.debug("%r: ignored a control message", self)

    # -- sending

    def _send_encoded(self, data: Any) -> Awaitable[None] | None:
        queue = self._queue
        if self._transport is None or queue.messages or queue.flushing or queue.held:
            frame = self._encoded(data)
            if isinstance(frame, FRAME):
                queue.put(self._send, frame)
            else:
                dispose(frame)
                queue.put(super()._send_encoded, data)
            return None
        self.sent_at = self._now()
        return Connection._send_encoded(self, data)

    def _send_made(self, frame: str | bytes) -> None:
        queue = self._queue
        if self._transport is None or queue.messages or queue.flushing or queue.held:
            queue.put(self._send, frame)
        else:
            self.sent_at = self._now()
            self._send(frame)

    def _tell(self, text: str, *, last: bool = False) -> None:
        """Send a control message at once, or not at all: it is about this connection only."""
        if self._state != OPEN:
            return
        try:
            pending = self._send_told(text)
        except ParserError as error:
            self._report(error)
            return
        if pending is not None:
            spawn(_done(pending))

    def _reply(self, kind: str, text: str) -> None:
        if self._is_congested:
            if self._owed is None:
                self._owed = {}
            self._owed[kind] = text
        else:
            self._tell(text)

    @property
    def kept(self) -> tuple[int, int]:
        """How many messages have been kept so far, and how many of them are kept no longer."""
        queue = self._queue
        return queue.kept, queue.kept - len(queue)

    def hold_messages(self, holder: str = "") -> None:
        """Keep messages although the socket is open, until `holder` releases them; for plugins.

        Control text is sent at once, as ever, and the end of the socket sends what has been kept.
        """
        self._queue.held.add(holder)

    def release_messages(self, holder: str = "") -> None:
        """Send what has been kept since `hold_messages`, unless another holder still keeps it."""
        held = self._queue.held
        if holder in held:
            held.discard(holder)
            if self._state == OPEN:
                self._send_queue()

    def write_first(self, data: Any) -> None:
        """Write, without a connection, what the next one has to begin with; for plugins.

        It goes ahead of what waits, be it for a transform, and is dropped with the end of the
        socket: it is for streams, which end then.

        Raises:
            ParserError: the parser has no form for `data`.
        """
        try:
            result = run(self.pipeline.outgoing, Packet(data), self)
        except TransformError as error:
            self._report(error)
            return
        if not is_awaitable(result):
            self._put_first(result)
            return
        self.hold_messages(FIRST)
        leading = self._queue.leading
        leading.add(task := spawn(self._put_first_later(result)))
        task.add_done_callback(self._led)

    async def _put_first_later(self, transforming: Awaitable[Any]) -> None:
        try:
            self._put_first(await transforming)
        except (TransformError, ParserError) as error:
            self._report(error)

    def _led(self, task: asyncio.Task[None]) -> None:
        """Send what waits, once all that goes ahead of it is there."""
        leading = self._queue.leading
        leading.discard(task)
        if not leading:
            self.release_messages(FIRST)

    def _put_first(self, data: Any) -> None:
        if data is SWALLOWED:
            return
        frame = self._encoded(data)
        if isinstance(frame, FRAME):
            self._queue.first.append((self._send, frame))
        else:
            dispose(frame)
            self._queue.first.append((super()._send_encoded, data))

    def _drop_first(self) -> None:
        queue = self._queue
        queue.first.clear()
        for task in queue.leading:
            task.cancel()

    def send_first(self) -> None:
        """Send what `write_first` has been given, although messages are held; for plugins."""
        self._send_queue(first=True)

    def _send_queue(self, *, first: bool = False) -> None:
        """Send what has been kept.

        Args:
            first: only what goes ahead of others, whether messages are held or not.
        """
        queue = self._queue
        while (queue.first or (queue and not first)) and self._transport is not None:
            if queue.held and not first and self._machine.state not in FINAL:
                return
            step, value = queue.take()
            pending: Any = step(value)
            if pending is not None:
                queue.flushing = True
                spawn(self._send_queue_after(pending))
                return

    async def _send_queue_after(self, pending: Awaitable[None]) -> None:
        """Continue once an async parser has encoded a message of the queue."""
        try:
            await pending
        finally:
            self._queue.flushing = False
        self._send_queue()
        if self._finishes_later:
            self._finish()

    def _finish(self) -> None:
        if self._queue.held and not self._queue.flushing:
            self._send_queue()
        self._finishes_later = self._queue.flushing
        if not self._finishes_later:
            super()._finish()

    # -- wires

    def _close_transport(self, transport: Transport | None) -> None:
        if transport is not None and self._let_go(transport):
            transport.close()

    def _abort_wire(self) -> None:
        """Drop the wire at once."""
        transport = self._transport
        if transport is not None and self._let_go(transport):
            transport.abort()

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the wire, of which TCP may leave something for a while."""
        if self._transport is not None:
            self._closing.add_lost(self._transport)
        super().lost(error, ending)

    def _let_go(self, transport: Transport) -> bool:
        """Hand a transport over to `Closing`; False when that has happened already."""
        if transport.connection is not self:
            return False
        if transport is self._transport:
            self._detach()
        self._closing.add_wire(transport)
        return True

    # -- reading

    def _collect(self) -> None:
        """Keep messages from now on, until something iterates or listens."""
        self._received = ReceiveBuffer(self.limits.high_water, self.log)
        super()._add("data", self._received.put, once=False)

    def _kept(self) -> list[Message]:
        received, self._received = self._received, None
        if received is None:
            return []
        self.off("data", received.put)
        return received.take()

    def _on_data_listener(self, listener: Listener) -> None:
        received = self._received
        if received is None or listener.fn == received.put:
            super()._on_data_listener(listener)
        elif listener.once:
            self._replay(listener, received.take(1))
        else:
            self._replay(listener, self._kept())

    def _is_held(self) -> bool:
        """Whether nothing is read, since what has arrived is still being handled."""
        return self._inbox is not None and self._inbox.paused

    def _is_over(self) -> bool:
        return self._machine.state in FINAL

    @property
    def is_suspended(self) -> bool:
        """Whether it has ended since the machine is offline, and goes on once that is online."""
        return self._machine.state is State.SUSPENDED

    # -- actions

    def _cancel_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _watch_network(self) -> None:
        if self._subscription is None:
            options = self.options
            self._subscription = watch(
                options.network, self._address, options.transport, self._network
            )

    def _unwatch_network(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _start_timeout(self) -> None:
        self._stop_timeout()
        if self.options.timeout is not None:
            self._timeout = expect(self.options.clock, self.options.timeout, self._late)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _renew_iteration(self) -> None:
        if self._iterations is not None:
            self._iterations.renew()

    def _drop_inbox(self) -> None:
        if self._inbox is not None:
            self._inbox.clear()

    def _start_heartbeat(self) -> None:
        self._id = None
        self.seen()
        self.sent_at = self.seen_at
        self._heartbeat.start(self._profile.pings)

    def _read(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def _go_online(self) -> None:
        if not self.online:
            self.online = True
            self.dispatch("online")

    def _go_offline(self) -> None:
        if self.online:
            self.online = False
            self.dispatch("offline")

    def _wake(self, error: Exception | None = None) -> None:
        """Wake what waits for the connection to open, or fail it."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _fail_waiting(self) -> None:
        self._drop_first()
        ids, self._ids = self._ids, []
        for waiting in ids:
            if not waiting.done():
                waiting.set_exception(
                    TransportError("the connection ended before the server told its id")
                )
        why = "" if self.closed is None else f": {self.closed.reason}"
        self._wake(TransportError(f"the connection to {self._address.host} has ended{why}"))

    def _whisper(self, event: str, *args: Any) -> None:
        """Emit a private event, when any is listened to."""
        if self._traced:
            self.dispatch(event, *args)

    def _emit_close(self) -> None:
        self._conclude_late()
        self._log_end()
        self.dispatch("close", self.closed)

    def _emit_end(self) -> None:
        """Emit ``end``, with what has ended the connection, or the attempts to make it again."""
        self._conclude_late()
        self.dispatch("end", self.closed)

    def _conclude_late(self) -> None:
        """Take what has been noted since the connection was lost, or without there being one."""
        if self._ending is not None or self.closed is None:
            self._conclude(0.0 if self.closed is None else self.closed.seconds)

    def _log_failure(self, error: Exception) -> None:
        self.log.info("%r: %s", self, error)


suggest(Socket, "Socket")


def _add(error: Exception, hint: str) -> None:
    """Put a sentence behind the message of an error."""
    if hint:
        error.args = (f"{error}. {hint}",)


def _never_opened(error: Exception) -> Ending:
    """Why there is no connection."""
    if isinstance(error, HandshakeError):
        return Ending(EndCode.REFUSED, status=error.status, reason=str(error))
    ending = of_error(error)
    code = EndCode.UNREACHABLE if ending.code is EndCode.WIRE_LOST else ending.code
    return ending._replace(code=code)


async def _done(pending: Awaitable[None]) -> None:
    await pending


def _emit(event: str) -> Callable[..., object]:
    return lambda socket, *args: socket.dispatch(event, *args)


def _plain(event: str) -> Callable[..., object]:
    """Emits without what the event of the table carries."""
    return lambda socket, *_: socket.dispatch(event)


def _private(event: str) -> Callable[..., object]:
    return lambda socket, *_: socket._whisper(event)


ACTIONS: Final[dict[Action, Callable[..., object]]] = {
    Action.CANCEL_TURN: lambda socket, *_: socket._cancel_turn(),
    Action.WATCH_NETWORK: lambda socket, *_: socket._watch_network(),
    Action.UNWATCH_NETWORK: lambda socket, *_: socket._unwatch_network(),
    Action.START_TIMEOUT: lambda socket, *_: socket._start_timeout(),
    Action.STOP_TIMEOUT: lambda socket, *_: socket._stop_timeout(),
    Action.DIAL: lambda socket, *_: socket._dialer.dial(),
    Action.STOP_DIALLING: lambda socket, *_: socket._dialer.stop(),
    Action.ABORT_WIRE: lambda socket, *_: socket._abort_wire(),
    Action.CLOSE_WIRE: lambda socket, *_: socket._finish(),
    # What has arrived is delivered before a wire counts as gone, and what was written is handed to
    # the transport, which sends it before it closes.
    Action.SETTLE: lambda socket, *_: socket._machine.handle(Event.SETTLED),
    Action.DELIVER: lambda socket, *_: socket._machine.handle(Event.LOST),
    Action.RENEW_ITERATION: lambda socket, *_: socket._renew_iteration(),
    Action.FINISH_ITERATION: lambda socket, *_: socket._finish_iteration(),
    Action.DROP_INBOX: lambda socket, *_: socket._drop_inbox(),
    Action.SEND_QUEUE: lambda socket, *_: socket._send_queue(),
    Action.START_HEARTBEAT: lambda socket, *_: socket._start_heartbeat(),
    Action.STOP_HEARTBEAT: lambda socket, *_: socket._heartbeat.stop(),
    Action.ASK_ID: lambda socket, *_: socket._heartbeat.ask(),
    Action.READ: lambda socket, *_: socket._read(),
    Action.WAKE_OPENED: lambda socket, *_: socket._wake(),
    Action.FAIL_OPENED: lambda socket, error: socket._wake(error),
    Action.FAIL_WAITING: lambda socket, *_: socket._fail_waiting(),
    Action.SCHEDULE: lambda socket, *_: socket._reconnection.schedule(),
    Action.NEXT_ATTEMPT: lambda socket, error, *_: socket._reconnection.schedule(error),
    Action.RESET_RECOVERY: lambda socket, *_: socket._reconnection.reset(),
    Action.LOG_FAILURE: lambda socket, error: socket._log_failure(error),
    Action.BECOME_OPENING: lambda socket, *_: socket._become(OPENING),
    Action.BECOME_OPEN: lambda socket, *_: socket._become(OPEN),
    Action.BECOME_CLOSED: lambda socket, *_: socket._become(CLOSED),
    Action.GO_OFFLINE: lambda socket, *_: socket._go_offline(),
    Action.GO_ONLINE: lambda socket, *_: socket._go_online(),
    Action.TELL_OPENED: _private("incoming::open"),
    Action.TELL_LOST: _private("incoming::end"),
    Action.TELL_FAILED: lambda socket, error: socket._whisper("incoming::error", error),
    Action.TELL_RETRY: _private("outgoing::reconnect"),
    Action.TELL_END: _private("outgoing::end"),
    Action.EMIT_OPEN: _plain("open"),
    Action.EMIT_CLOSE: lambda socket, *_: socket._emit_close(),
    Action.EMIT_END: lambda socket, *_: socket._emit_end(),
    Action.EMIT_ERROR: lambda socket, error: socket._report(error),
    Action.EMIT_TIMEOUT: _plain("timeout"),
    Action.EMIT_RECONNECT: _emit("reconnect"),
    Action.EMIT_RECONNECTED: lambda socket, *_: socket._reconnection.succeeded(),
    Action.EMIT_RECONNECT_TIMEOUT: _emit("reconnect timeout"),
    Action.EMIT_RECONNECT_FAILED: _emit("reconnect failed"),
    Action.EMIT_DESTROY: _plain("destroy"),
    Action.RELEASE: lambda socket, *_: socket._queue.clear(),
    Action.REMOVE_LISTENERS: lambda socket, *_: socket.off(),
}
