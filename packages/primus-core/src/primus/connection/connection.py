"""The one message path, shared by `Spark` on the server and `Socket` on the client.

    transport -> feed -> decode -> primus::* ? control : incoming transforms -> "data" -> user
    user -> write -> outgoing transforms -> encode -> transport

All of it is plain calls. Only when a parser, a transform or a ``data`` listener answers with
an awaitable does the connection wait: what arrives meanwhile is kept in its `Inbox`, what is
written meanwhile in its `Outbox`, and both go on in order afterwards. Nothing else decodes,
transforms or encodes.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from threading import get_ident
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, Self, cast

from primus.arriving import Arriving
from primus.callables import PLAIN, after, dispose, is_awaitable
from primus.clock import SYSTEM_CLOCK, Clock, Timer
from primus.closed import COSTLY, Closed, EndCode, Ending, because_of, of_error
from primus.connection.inbox import Inbox
from primus.connection.iteration import Iteration, Iterations
from primus.connection.marking import relay_marked, send_again, write_marked
from primus.connection.messages import Message, Messages
from primus.connection.outbox import Outbox, Step
from primus.connection.piping import pipe
from primus.encoding import encoding_failure, late_failure
from primus.errors import (
    ControlTextError,
    ParserError,
    PrimusError,
    SlowConsumerError,
    TransformError,
)
from primus.events import (
    PRIVATE_PREFIXES,
    Delivered,
    Delivering,
    Emitter,
    Listener,
    Replying,
)
from primus.failures import Failures, Quota
from primus.limits import DEFAULT_LIMITS, Limits
from primus.listening import MessageT_co
from primus.parser import Coding, Parser, encoded, is_threadsafe
from primus.pipeline import SWALLOWED, Packet, Pipeline, failure, go_on, run
from primus.protocol import (
    PREFIX,
    SEPARATOR,
    Control,
    PluginText,
    Side,
    check_message,
    control,
    escape_separators,
    escape_separators_in_utf8,
    plugin_text,
)
from primus.tally import Tally
from primus.tasks import is_cancelled, spawn
from primus.threads import Home, ThreadView, here
from primus.transport import PreparedFrames, Transport

__all__ = ["CLOSED", "FRAME", "OPEN", "OPENING", "Connection"]

OPENING: Final = 1
CLOSED: Final = 2
OPEN: Final = 3

FRAME: Final = (str, bytes)
"""What a frame is; a tuple, since `str | bytes` makes an object each time it is evaluated."""

CAUSED: Final = frozenset({"error", "heartbeat"})
"""Events that are not brought to their listeners as ``data`` is, and that peers can cause."""

LONG: Final = DEFAULT_LIMITS.read_ahead_bytes
"""How long a frame is, in bytes or characters, that a busy connection does not decode yet."""

_UNREAD: Final = object()
"""Stands in the inbox for the message of a long frame, which is decoded in its turn."""


def _itself(value: Any) -> Any:
    return value


class _Undecodable(NamedTuple):
    """What is kept of a frame that could not be decoded, until its turn comes."""

    error: Exception


class Connection(Emitter, Generic[MessageT_co]):
    """One end of a connection: what `Spark` and `Socket` have in common."""

    __slots__ = (
        "_awaited",
        "_clock",
        "_decode",
        "_direct",
        "_encode",
        "_ending",
        "_home",
        "_inbox",
        "_is_clear",
        "_is_congested",
        "_iterations",
        "_now",
        "_opened_at",
        "_outbox",
        "_overflowed",
        "_owed",
        "_parser",
        "_quick_encode",
        "_room",
        "_send_text",
        "_state",
        "_thread",
        "_traced",
        "_transport",
        "_undecoded",
        "_undelivered",
        "closed",
        "has_dropped",
        "pipeline",
        "received",
        "seen_at",
        "sent",
    )

    side: ClassVar[Side]
    limits: Limits = DEFAULT_LIMITS
    failures: Failures = Failures(DEFAULT_LIMITS.traceback_interval)
    drops: ClassVar[Quota] = Quota(DEFAULT_LIMITS.warnings_per_second)
    """How many warnings of dropped connections there may be in the log."""
    tally: ClassVar[Tally] = Tally()
    """The numbers of all connections of one server; those of clients are not kept apart."""
    slow_consumer: str = "buffer"
    withheld: int = 0
    """How many messages that count as handled a plugin keeps, to be lost with the connection."""
    overtaking_hooks: ClassVar[tuple[Callable[..., Any], ...]] = ()
    """Functions of plugins, by ``primus_overtakes``."""
    event_hooks: ClassVar[tuple[Callable[[Any, Any], Arriving | None], ...]] = ()
    """Functions of plugins, by ``primus_event``; of sparks."""
    loss_hooks: ClassVar[tuple[Callable[..., Any], ...]] = ()
    """Functions of plugins, by ``primus_lost``."""
    latency_hooks: ClassVar[tuple[Callable[..., Any], ...]] = ()
    """Functions of plugins, by ``primus_latency``."""
    control_hooks: ClassVar[tuple[Callable[..., Any], ...]] = ()
    """Functions of plugins, by ``primus_control``."""
    _coding: ClassVar[Coding | None] = None
    """The functions of the parser; a method of its own for each connection would take memory."""

    def __init__(
        self,
        parser: Parser,
        pipeline: Pipeline,
        clock: Clock = SYSTEM_CLOCK,
        home: Home | None = None,
    ) -> None:
        Emitter.__init__(self)  # `super()` makes an object
        self._home = home = here(None) if home is None else home
        self._thread = home.thread
        """The thread of `_home`, which every `write` looks at."""
        self._parser = parser
        coding = self._coding
        if coding is None or coding.parser is not parser:
            coding = type(self)._coding = Coding.of(parser)
        _, self._encode, self._quick_encode, self._decode = coding
        self.pipeline = pipeline
        self._clock = clock
        self._now = clock.time
        self._transport: Transport | None = None
        self._state = CLOSED
        self.seen_at = self._now()
        """When the peer last gave a sign of life, in seconds of the connection's clock."""
        self.closed: Closed | None = None
        """Why the connection has ended; `None` until it has, and while it is open."""
        self._ending: Ending | None = None
        """What is known of an end that is about to come; what was noted first holds."""
        self._opened_at = self.seen_at
        self.received = self.sent = 0
        """How many messages have arrived, and how many have been sent."""
        self._inbox: Inbox | None = None
        """Made when a message has to wait for the first time."""
        self._undecoded = 0
        """How many frames could not be decoded."""
        self._undelivered = 0
        """How many messages are on their way to the listeners, behind an async step."""
        self._outbox: Outbox | None = None
        """Made when a message has to wait for the first time."""
        self._is_congested = False
        """Whether more than ``high_water`` bytes wait to be sent."""
        self._overflowed = False
        """Whether the connection is being dropped since its peer reads too slowly."""
        self.has_dropped = False
        """Whether a message was dropped since its peer reads too slowly."""
        self._owed: dict[str, str] | None = None
        """The newest answer of each kind that waits for a peer which reads too slowly."""
        self._room: asyncio.Event | None = None
        """Set once there is room again; made by the first `drain`."""
        self._iterations: Iterations | None = None
        """Made by the first iteration."""
        self._awaited = 0
        self._traced = False
        """Whether private events may have listeners."""
        self._is_clear = False
        """Whether a message may be sent at once: see `_update_fast_path`."""
        self._send_text: Callable[[bytes], None] | None = None
        """Sends a text that has been encoded quickly, while nothing is in the way."""
        self._direct: Callable[[Any], Any] | None = None
        """The listener that gets every message, while nothing is in the way."""

    # -- state

    @property
    def clock(self) -> Clock:
        """What tells the connection the time."""
        return self._clock

    @property
    def ready_state(self) -> int:
        """`OPENING` (1), `CLOSED` (2) or `OPEN` (3)."""
        return self._state

    def _become(self, state: int) -> bool:
        """Change the ready state; False when it was that already."""
        if state == self._state:
            return False
        if state == OPEN:
            self.closed = self._ending = None
            self._opened_at = self._now()
        elif state == CLOSED:
            self._conclude(self._now() - self._opened_at if self._state == OPEN else 0.0)
        self._state = state
        if self._transport is not None:  # else no message has a fast path anyway
            self._update_fast_path()
        self.dispatch("readyStateChange", state)
        return True

    def note(self, ending: Ending) -> None:
        """Say why the connection is about to end; what was said first holds."""
        if self._ending is None:
            self._ending = ending

    def _conclude(self, seconds: float) -> None:
        """Set `closed`, after it was open for so long."""
        side: Literal["client", "server"] = "server" if self.side is Side.SERVER else "client"
        self.closed = because_of(self._ending, side, seconds)
        self._ending = None

    def _own_end(self, reason: str = "") -> Ending:
        """What an end is that this side asks for."""
        code = EndCode.SERVER_END if self.side is Side.SERVER else EndCode.CLIENT_END
        return Ending(code, reason=reason)

    def attach(self, transport: Transport) -> None:
        """Carry frames over `transport` from now on."""
        self._transport = transport
        self._is_congested = self._overflowed = False
        if self._inbox is not None:
            self._inbox.paused = False  # it was another transport that reads no further
        if self._state == OPEN:  # else no message has a fast path anyway
            self._update_fast_path()
        transport.connection = self
        transport.limit(self.limits.high_water)

    def _detach(self) -> Transport | None:
        """Detach the transport, which reports nothing to this connection any more."""
        if self._room is not None:
            self._room.set()
        self._owed = None
        transport, self._transport = self._transport, None
        self._is_congested = False
        self._update_fast_path()
        if transport is not None:
            transport.connection = None
            self.tally.carried(transport.traffic)
        return transport

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that have arrived over the transport, and bytes that have been sent."""
        return (0, 0) if self._transport is None else self._transport.traffic

    def _update_fast_path(self) -> None:
        """Note what messages need not look at, after a change of what that depends on."""
        self._direct = self._send_text = None
        transport = self._transport
        if self._state != OPEN or transport is None or self._traced:
            self._is_clear = False
            return
        outbox = self._outbox
        self._is_clear = not self._is_congested and (outbox is None or not outbox.is_busy)
        if (
            self._is_clear
            and self._quick_encode is not None
            and type(transport).send_text is not Transport.send_text
        ):
            self._send_text = transport.send_text
        if self._listeners:
            self._listeners_changed()

    def _listeners_changed(self) -> None:
        """Note the listener that gets every message at once, if there is just one that can."""
        self._direct = None
        if self._state == OPEN and self._transport is not None and not self._traced:
            inbox = self._inbox
            if inbox is None or not inbox.is_busy:
                listeners = self._listeners.get("data", ())
                if len(listeners) == 1 and listeners[0].is_plain:
                    self._direct = listeners[0].fn

    def seen(self) -> None:
        """Note a sign of life that is no frame."""
        self.seen_at = self._now()

    def _add(self, event: str, fn: Any, *, once: bool) -> Any:
        added = Emitter._add(self, event, fn, once=once)
        if fn is None:
            return added
        if event.startswith(PRIVATE_PREFIXES):
            self._traced = True
            self._update_fast_path()
        if event == "data":
            self._on_data_listener(self._listeners["data"][-1])
        return added

    @abstractmethod
    def _control(self, message: Control) -> None:
        """Act on a control message."""

    @abstractmethod
    def _drop(self) -> None:
        """End the connection at once, so that the client may reconnect."""

    @abstractmethod
    def _ended(self, error: Exception | None) -> None:
        """Handle the loss of the wire, after everything that came over it."""

    def abort(self) -> None:
        """Drop the connection at once, with what waits to be sent; the client may come back."""
        self.note(self._own_end("it was dropped by abort()"))
        self._drop()

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the wire. What arrived before it went is delivered first."""
        if self._transport is None:
            return
        if ending is None:
            ending = Ending(EndCode.WIRE_LOST) if error is None else of_error(error)
        self.note(ending)
        self._detach()
        if self.loss_hooks:
            self._call_hooks("primus_lost", self.loss_hooks)
        inbox = self._inbox
        if inbox is not None and inbox.is_busy and (inbox.holds_arrived or self._undelivered > 0):
            inbox.put_loss(error)
        else:
            self._ended(error)

    def _named(self) -> str:
        """The connection and its peer, for the log."""
        return repr(self)

    def _log_end(self) -> None:
        """Log why the connection has ended: a rule of ours may have cost a user something."""
        closed = self.closed
        assert closed is not None
        is_costly = closed.code in COSTLY
        if not is_costly and not self.log.isEnabledFor(logging.INFO):
            return
        option = f" ({closed.option})" if closed.option else ""
        text = f"{closed.code} after {closed.seconds:.1f} s: {closed.reason}{option}"
        if not is_costly:
            self.log.info("%s has ended: %.500s", self._named(), text)
            return
        held = self.drops.admit(self._now())
        if held is None:
            self.log.debug("%s was dropped: %.500s", self._named(), text)
        else:
            more = f" ({held} more were not logged)" if held else ""
            self.log.warning("%s was dropped: %.500s%s", self._named(), text, more)

    # -- errors

    def _report(self, error: Exception) -> None:
        """Tell the listeners to ``error``; without any, it is logged.

        What the peer causes is worth a line; frames that are none, of which it can send any
        number, are one a minute, and the rest is for `DEBUG`. What the user's own code causes (a
        transform that raises, a value that cannot be encoded) is an error with its traceback.
        """
        if self.dispatch("error", error):
            return
        own = isinstance(error, TransformError) or (
            isinstance(error, ParserError) and error.frame is None
        )
        if own:
            self._log_raised(f"{self!r}: {error}", error.__cause__ or error)
        elif isinstance(error, ParserError) and self.failures.note(error, self._now()) is None:
            self.log.debug("%r: %.500s", self, error)
        else:
            self.log.info("%r: %.500s", self, error)

    def measured(self, seconds: float) -> None:
        """Tell the plugins the time that a round trip to the peer has taken."""
        self._call_hooks("primus_latency", self.latency_hooks, seconds)

    def _call_hooks(self, name: str, hooks: tuple[Callable[..., Any], ...], *args: Any) -> None:
        for hook in hooks:
            try:
                hook(self, *args)
            except Exception as error:
                self._log_raised(f"{self!r}: a {name} hook raised", error)

    def _log_raised(self, text: str, error: BaseException) -> None:
        """Log an error of the user's code, once however often a peer causes it."""
        self.failures.log(self.log, text, error, self._now())

    def _failed(self, event: str, error: BaseException) -> None:
        self.tally.listener_errors += 1
        super()._failed(event, error)

    def _start(self, event: str, awaitable: Awaitable[Any]) -> None:
        # It runs at once, since what is awaited already may wait for it, and beyond the end.
        self.started(event, spawn(self._guard(event, awaitable)))

    def started(self, event: str, running: asyncio.Task[None]) -> None:
        """Note an async listener, here or of a stream; it reports its failures where it is.

        What arrives waits for it, as for one of ``data``, where it listens to an event of which a
        peer may cause any number. An error holds the frame that has caused it.
        """
        if event in CAUSED and self._state == OPEN:
            self.hold(asyncio.shield(running))

    def _listener_failed(self, error: BaseException) -> None:
        """Report an awaited listener of ``data`` that has raised, or was cancelled."""
        if isinstance(error, asyncio.CancelledError):
            self.log.warning("%r: a listener was cancelled", self)
        else:
            self._failed("data", error)

    def _transform_cancelled(self) -> None:
        """An outgoing transform, or a parser, has cancelled itself."""
        self.log.warning("%r: a transform was cancelled", self)

    # -- receiving

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one frame from the transport, as `Receiver.feed`."""
        if last:
            self.seen_at = self._now()
        direct = self._direct
        if (
            direct is None
            and (not self._is_clear or len(frame) >= LONG or self._awaited)
            and not self._admits(frame)
        ):
            return
        decode = self._decode
        try:
            data = decode(frame)
        except Exception as error:
            data = self._decode_carefully(frame, error)
            if type(data) is _Undecodable:
                self._take_undecodable(data, frame)
                return
        kind = type(data)
        if kind is str and data.startswith(PREFIX):
            self._take_control(data)
            return
        self.received += 1
        if self.pipeline.incoming:
            self._transform_at_once(data, frame)
            return
        if direct is None or (kind is not dict and kind not in PLAIN):
            self._take_message(data, frame)
            return
        try:
            result = direct(data)
        except (Exception, asyncio.CancelledError) as error:
            self._failed("data", error)
            return
        if result is not None and result is not True and is_awaitable(result):
            self.hold(result)

    def _take_control(self, text: str) -> None:
        """Act on a control message; one of a plugin waits behind what arrived before it."""
        message = control(self.side, text)
        inbox = self._inbox
        if type(message) is not PluginText:
            self._control(message)
        elif inbox is None or not inbox.is_busy:
            self._control_of_plugin(message)
        else:
            self._keep(inbox, message, text)

    def _control_of_plugin(self, message: PluginText) -> None:
        """Bring a control message to the plugin that knows it; others are ignored."""
        for hook in self.control_hooks:
            try:
                if hook(self, message.name, message.value):
                    return
            except Exception as error:
                self._log_raised(f"{self!r}: a primus_control hook raised", error)
                return
        self.log.debug("%r: ignored a control message", self)

    def _admits(self, frame: str | bytes) -> bool:
        """Whether a frame is decoded now; listeners of the private event are shown it."""
        if self._state == OPEN and self._traced:
            self.dispatch("incoming::data", frame)
        return self._state == OPEN and not self._keeps_unread(frame)

    def _keeps_unread(self, frame: str | bytes) -> bool:
        """Keep a long frame undecoded while the connection is busy, unless it is an answer.

        The values of a message take up to eighty times the memory of its frame. While answers are
        awaited more is read ahead, so then short frames that are long together are kept likewise.
        """
        inbox = self._inbox
        if inbox is None or not inbox.is_busy:
            return False
        if len(frame) < LONG and (not self._awaited or inbox.size + len(frame) < LONG):
            return False
        if (self.overtaking_hooks or self._awaited) and self._is_for_now(frame):
            return False
        self.received += 1
        self._keep(inbox, _UNREAD, frame)
        return True

    def _is_for_now(self, frame: str | bytes) -> bool:
        """Whether a frame is handled although the connection is busy, as plugins may say.

        What is decoded for that is not kept: most such frames wait, and are decoded once more.
        One that cannot be decoded is reported in its turn.
        """
        try:
            data = self._decode(frame)
        except Exception as error:
            data = self._decode_carefully(frame, error)
        if type(data) is _Undecodable:
            return False
        if is_awaitable(data):
            dispose(data)
            return False
        is_control = isinstance(data, str) and data.startswith(PREFIX)
        return is_control or self.overtakes(data)

    def _handle_unread(self, frame: Any) -> Awaitable[Any] | None:
        """Decode and handle a frame that has been kept by `_keeps_unread`."""
        try:
            data = self._decode(frame)
        except Exception as error:
            data = self._decode_carefully(frame, error)
            if type(data) is _Undecodable:
                self.received -= 1
                self._undecoded += 1
                self._undecodable(frame, data.error)
                return None
        return self._decoded(data, frame)

    def _decode_carefully(self, frame: Any, error: Exception) -> Any:
        """Decode what could not be decoded quickly; `_Undecodable` when it cannot be decoded."""
        if self._decode != self._parser.decode:
            try:
                return self._parser.decode(frame)
            except Exception as final:
                error = final
        return _Undecodable(error)

    def _take_undecodable(self, data: _Undecodable, frame: Any) -> None:
        """Report a frame that could not be decoded, in its turn."""
        self._undecoded += 1
        inbox = self._inbox
        if inbox is None or not inbox.is_busy:
            self._undecodable(frame, data.error)
        else:
            self._keep(inbox, data, frame)

    def _undecodable(self, frame: Any, error: Exception) -> None:
        self.tally.decode_errors += 1
        if not isinstance(error, ParserError):
            cause = error
            error = ParserError(f"failed to decode incoming data: {cause!r}", frame)
            error.__cause__ = cause
        self._report(error)

    def _take_message(self, data: Any, frame: Any) -> None:
        """Take a message that has been decoded, or has to be awaited."""
        inbox = self._inbox
        if inbox is None or not inbox.is_busy:
            pending = self._receive(data, frame)
            if pending is not None:
                self.hold(pending)
        elif self.overtakes(data):
            pending = self._receive(data, frame)
            if pending is not None:
                spawn(self._awaited_alone(pending))
        else:
            self._keep(inbox, data, frame)

    def _keep(self, inbox: Inbox, data: Any, frame: Any) -> None:
        """Keep what has arrived until its turn comes; read no further once that is too much."""
        if inbox.put(data, frame) and self._transport is not None:
            self._transport.pause_reading()

    async def _awaited_alone(self, pending: Awaitable[Any]) -> None:
        """Await the listener of a message that has overtaken others."""
        try:
            await pending
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            self._listener_failed(error)
        except Exception as error:
            self._listener_failed(error)

    def overtakes(self, data: Any) -> bool:
        """Whether a message is handled at once, even while others wait for a busy listener.

        Plugins say so by ``primus_overtakes``: an answer that a listener awaits must not wait for
        that listener. `data` is as it was decoded, before any transform, and is asked about only
        while messages wait.
        """
        try:
            return any(hook(self, data) for hook in self.overtaking_hooks)
        except Exception as error:
            self._log_raised(f"{self!r}: a primus_overtakes hook raised", error)
            return False

    def arriving(self, data: Any) -> list[Arriving]:
        """The events that a message is to plugins, as they say by ``primus_event``.

        Peers can make messages that are several; the first plugin that acts on one takes it away.
        """
        return [event for hook in self.event_hooks if (event := hook(self, data)) is not None]

    def hold(self, pending: Awaitable[Any]) -> None:
        """Keep messages back until `pending` is done, then deliver them in order."""
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = Inbox(self)
        self._direct = None
        if inbox.hold(pending) and self._transport is not None:
            self._transport.pause_reading()

    @property
    def handled(self) -> int:
        """How many frames that the peer sent as messages are done with, or with a listener.

        What waits, or is being transformed, is not among them: with the end of the connection by
        this side it is dropped.
        """
        inbox = self._inbox
        waiting = 0 if inbox is None else inbox.messages
        return self.received + self._undecoded - waiting - self._undelivered

    @property
    def awaits_answers(self) -> bool:
        """Whether a listener may be waiting for what the peer has still to send."""
        return self._awaited > 0

    @property
    def kept(self) -> tuple[int, int]:
        """How many messages a client has kept so far, and how many of them it keeps no longer."""
        return 0, 0

    def await_answers(self, change: int) -> None:
        """Count answers that are awaited of the peer, more or fewer by `change`.

        While there are any, more is read ahead: an answer overtakes what waits for the listener
        that awaits it, but it has to be read for that.
        """
        self._awaited += change
        inbox, transport = self._inbox, self._transport
        if inbox is None or transport is None or not inbox.is_busy:
            return
        if change > 0 and inbox.paused and not inbox.is_full:
            inbox.paused = False
            transport.resume_reading()
        elif change < 0 and not inbox.paused and inbox.is_full:
            inbox.paused = True
            transport.pause_reading()

    def _handle(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Handle a message whose turn in the inbox has come."""
        if self._state != OPEN:
            dispose(data)
            return None
        if type(data) is PluginText:
            self._control_of_plugin(data)
            return None
        if data is _UNREAD:
            return self._handle_unread(raw)
        if type(data) is _Undecodable:
            self._undecodable(raw, data.error)
            return None
        return self._receive(data, raw)

    def _caught_up(self, *, was_paused: bool) -> None:
        """Resume, once no message waits any more, or fewer do."""
        self._update_fast_path()
        if was_paused and self._transport is not None:
            self._transport.resume_reading()

    def _receive(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Bring a decoded message to the listeners; what is returned has to be awaited first."""
        if type(data) not in PLAIN and is_awaitable(data):
            return after(
                self._undecided(data),
                lambda value: self._decoded(value, raw),
                lambda error: self._undecodable(raw, error),
            )
        if self.pipeline.incoming:
            return self._transform_incoming(data, raw)
        return self._deliver(data, raw)

    def _decoded(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Take what an async parser has decoded."""
        if isinstance(data, str) and data.startswith(PREFIX):
            self.received -= 1
            message = control(self.side, data)
            if type(message) is PluginText:
                self._control_of_plugin(message)
            else:
                self._control(message)
            return None
        return self._receive(data, raw)

    def _undecided(self, deciding: Awaitable[Any]) -> Awaitable[Any]:
        """`deciding`, and a note that a message is on its way to the listeners meanwhile."""
        self._undelivered += 1
        return self._decided(deciding)

    async def _decided(self, deciding: Awaitable[Any]) -> Any:
        try:
            return await deciding
        finally:
            self._undelivered -= 1

    def _transform_at_once(self, data: Any, frame: Any) -> None:
        """Transform a message and bring it to the listeners, as `_transform_incoming` does.

        That is the way of every message of a server with plugins, so it takes few calls, and
        leaves whatever has to be awaited to others.
        """
        inbox = self._inbox
        if type(data) not in PLAIN or (inbox is not None and inbox.is_busy):
            self._take_message(data, frame)
            return
        packet = Packet(data, frame)
        for transform in (left := iter(self.pipeline.incoming)):
            try:
                verdict = transform(packet, self)
            except Exception as error:
                self._report(failure(transform, error, error))
                return
            if verdict is False:
                return
            if verdict is not None and is_awaitable(verdict):
                deciding = go_on(left, transform, verdict, packet, self)
                self.hold(self._deliver_decided(deciding, frame))
                return
        data = packet.data
        direct = self._direct
        if direct is None or type(data) not in PLAIN:
            pending = self._deliver_transformed(data, frame)
            if pending is not None:
                self.hold(pending)
            return
        try:
            result = direct(data)
        except (Exception, asyncio.CancelledError) as error:
            self._failed("data", error)
            return
        if type(result) not in PLAIN and is_awaitable(result):
            self.hold(result)

    def _transform_incoming(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        try:
            result = run(self.pipeline.incoming, Packet(data, raw), self)
        except TransformError as error:
            self._report(error)
            return None
        return None if result is SWALLOWED else self._deliver_transformed(result, raw)

    def _deliver_transformed(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        if type(data) not in PLAIN and is_awaitable(data):
            return self._deliver_decided(data, raw)
        return self._deliver(data, raw)

    def _deliver_decided(self, deciding: Awaitable[Any], raw: Any) -> Awaitable[Any]:
        """Await what transforms make of a message, and bring it to the listeners."""
        return after(
            self._undecided(deciding),
            lambda value: None if value is SWALLOWED else self._deliver(value, raw),
            self._report,
        )

    def _deliver(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Call the ``data`` listeners, up to the first that has to be awaited.

        `_call` is for those that are not plain: it costs more than most listeners do.
        """
        if self._state != OPEN:
            return None  # ended while the message was decoded or transformed
        listeners = self._listeners.get("data", ())
        for listener in listeners:
            if listener.is_plain:
                try:
                    result = listener.fn(data)
                except (Exception, asyncio.CancelledError) as error:
                    self._failed("data", error)
                    continue
            else:
                result = self._call("data", listener, (data, raw))
            if type(result) not in PLAIN and is_awaitable(result):
                rest = listeners[listeners.index(listener) + 1 :]
                return self._deliver_on("data", rest, result, (data, raw)) if rest else result
        return None

    def deliver(self, event: str, /, *args: Any, to: Delivering | None = None) -> Delivered:
        """As `Emitter.deliver`; no listener is called once the connection has ended.

        Args:
            event: the name of the event.
            args: what it carries.
            to: whose listeners are called, if not those of the connection.
        """
        if self._state != OPEN:
            return False
        delivered = super().deliver(event, *args) if to is None else to.deliver(event, *args)
        return delivered if delivered is False else self._handed_over(delivered)

    def take_request(self, event: str, args: Sequence[Any], reply: Replying) -> Delivered:
        """As `Emitter.take_request`; no listener is called once the connection has ended."""
        if self._state != OPEN:
            return False
        delivered = Emitter.take_request(self, event, args, reply)  # `super()` makes an object
        return delivered if delivered is False else self._handed_over(delivered)

    def _handed_over(self, delivered: Awaitable[Literal[False]]) -> Delivered:
        # It is with its listeners: an end of the connection need not wait for them.
        self._undelivered -= 1
        return self._delivered(delivered)

    async def _delivered(self, delivering: Awaitable[Literal[False]]) -> Literal[False]:
        try:
            return await delivering
        finally:
            self._undelivered += 1

    # -- sending

    def _submit(self, data: Any) -> bool:
        """Send a message of the user, behind all that was written before it.

        Raises:
            ControlTextError: the message is text that peers obey.
            ParserError: the parser has no form for it.
        """
        transforms = self.pipeline.outgoing
        if not transforms:
            check_message(data)
        if self._is_congested and not self._admits_more():
            return False
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            return self._postpone(self._transform_outgoing, data)
        pending = self._transform_outgoing(data) if transforms else self._send_encoded(data)
        if pending is not None:
            self._send_later(pending)
        return True

    # -- other threads

    @property
    def thread(self) -> Self:
        """The connection as another thread sees it.

        Each call runs on the event loop of the connection; the thread waits for it, and gets what
        is returned, or awaited, or raised there.
        """
        return cast("Self", ThreadView(self, self._home))

    @property
    def is_elsewhere(self) -> bool:
        """Whether the current thread is not that of the connection."""
        return get_ident() != self._thread

    def handed_over(self, fn: Callable[..., Any], *args: Any) -> bool | None:
        """Let the loop of the connection call a function, if this is another thread.

        Returns:
            `None` when this is the thread of the connection, and nothing has been done; else
            whether the loop takes the call. What it raises there is an ``error`` event.
        """
        if get_ident() == self._thread:
            return None
        return self._home.hand_over(self._report_late, fn, *args)

    def _report_late(self, error: Exception) -> None:
        """Report what a call has raised that another thread handed over."""
        if isinstance(error, PrimusError):
            self._report(error)
        else:
            self._log_raised(f"{self!r}: a call from another thread raised", error)

    def _write_elsewhere(self, data: Any) -> bool:
        """`write`, from another thread: the loop is handed the frame, where it can be made here.

        Raises:
            ControlTextError: the message is text that peers obey.
            ParserError: the parser has no form for it.
        """
        if self._is_over():
            return False
        if self.pipeline.outgoing or not is_threadsafe(self._parser):
            return self._home.hand_over(self._report_late, self._write_taken, data)
        check_message(data)
        frame = self._encoded(data)
        return self._home.hand_over(self._report_late, self._take_turn, self._send_made, frame)

    def _write_taken(self, data: Any) -> None:
        """Write a message that another thread has handed over."""
        if not self._is_over():
            self._submit(data)

    def _send_made(self, frame: str | bytes) -> None:
        """Send a frame that another thread has made, in its turn."""
        self._send(frame)

    def write_for(self, stream: Any, data: Any, wrap: Callable[[Any], Any]) -> bool:
        """Send a message of a stream above this connection, behind all that was written before.

        Args:
            stream: what the outgoing transforms get for the connection.
            data: the message; it passes the transforms.
            wrap: makes the packet of what they have made of it, which passes none.

        Returns:
            What `write` returns.
        """
        if not self.pipeline.outgoing:
            return self._take_turn(self._send_encoded, wrap(data))

        taken = self.handed_over(self.write_for, stream, data, wrap)
        if taken is not None:
            return taken

        def step(data: Any) -> Awaitable[None] | None:
            return self._transform_for(stream, data, wrap)

        return self._take_turn(step, data)

    def write_past(self, packet: Any) -> bool:
        """Send a packet of a plugin past the outgoing transforms, in its turn.

        Returns:
            What `write` returns.
        """
        taken = self.handed_over(self.write_past, packet)
        return self._take_turn(self._send_encoded, packet) if taken is None else taken

    def _take_turn(self, step: Step, data: Any) -> bool:
        """Take a step that sends, behind all that was written before."""
        if self._is_over() or (self._is_congested and not self._admits_more()):
            return False
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            return self._postpone(step, data)
        pending: Any = step(data)
        if pending is not None:
            self._send_later(pending)
        return True

    def _transform_for(
        self, stream: Any, data: Any, wrap: Callable[[Any], Any]
    ) -> Awaitable[None] | None:
        def send(result: Any) -> Awaitable[None] | None:
            return None if result is SWALLOWED else self._send_encoded(wrap(result))

        def send_late(result: Any) -> Awaitable[None] | None:
            try:
                return send(result)
            except ParserError as error:
                self._report(error)
                return None

        try:
            result = run(self.pipeline.outgoing, Packet(data), stream)
        except TransformError as error:
            self._report(error)
            return None
        return after(result, send_late, self._report) if is_awaitable(result) else send(result)

    def send_control(self, name: str, value: str = "") -> None:
        """Send ``primus::<name>::<value>`` to a peer whose plugin knows it; for plugins.

        From a spark it goes behind the messages that were written before; from a socket at once,
        while the connection is open. Send none before the peer has shown that it has the plugin:
        Primus for Node gives words that it does not know to its ``data`` listeners.

        Raises:
            ControlTextError: the name is one of the core's, or no name at all.
        """
        text = plugin_text(name, value)
        if self.handed_over(self._tell_open, text) is None:
            self._tell_open(text)

    def _tell_open(self, text: str) -> None:
        if self._state == OPEN:
            self._tell(text)

    def _tell(self, text: str, *, last: bool = False) -> None:
        """Send a control message, in its place behind the messages written before it.

        The `last` one reaches a slow consumer too: it is short, and nothing follows it.
        """
        if self._is_congested and not last and not self._admits_more():
            return
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            self._postpone(self._send_told, text)
            return
        try:
            pending = self._send_told(text)
        except ParserError as error:
            self._report(error)
            return
        if pending is not None:
            self._send_later(pending)

    def _reply(self, kind: str, text: str) -> None:
        """Answer a control message of the peer.

        However much a peer asks without reading, of each kind only the newest answer waits.
        """
        outbox = self._outbox
        is_busy = outbox is not None and outbox.is_busy
        if not self._is_congested and not is_busy:
            self._tell(text)
            return
        owed = self._owed
        if owed is None:
            owed = self._owed = {}
        is_first = kind not in owed
        owed[kind] = text
        if is_first and not self._is_congested and outbox is not None:
            outbox.put(self._pay, kind)

    def _pay(self, kind: str) -> Awaitable[None] | None:
        """Give an answer whose turn in the outbox it is, unless it has to wait for the peer."""
        if self._is_congested or not self._owed or kind not in self._owed:
            return None
        return self._send_told(self._owed.pop(kind))

    def _send_told(self, text: str) -> Awaitable[None] | None:
        """Encode and send a control message, which counts as no message.

        Raises:
            ParserError: the parser has no form for it.
        """
        send = self._send_text
        if send is not None and (utf8 := self._quick_text(text)) is not None:
            send(utf8)
            return None
        frame = self._encoded(text)
        if isinstance(frame, FRAME):
            self._carry(frame)
            return None
        return after(frame, self._carry_late, self._unencodable)

    def _transform_outgoing(self, data: Any) -> Awaitable[None] | None:
        """Transform, encode and send; what is returned has to be awaited first.

        As the way in, it takes few calls, and leaves whatever has to be awaited to others.

        Raises:
            ControlTextError: the message is, or has become, text that peers obey.
            ParserError: the parser has no form for what it has become.
        """
        packet = Packet(data)
        for transform in (left := iter(self.pipeline.outgoing)):
            try:
                verdict = transform(packet, self)
            except Exception as error:
                self._report(failure(transform, error, error))
                return None
            if verdict is False:
                return None
            if verdict is not None and is_awaitable(verdict):
                deciding = go_on(left, transform, verdict, packet, self)
                return after(deciding, self._send_transformed_late, self._report)
        result = packet.data
        if type(result) is not dict:  # most messages are
            if type(result) not in PLAIN and is_awaitable(result):
                return after(result, self._send_transformed_late, self._report)
            check_message(result)
        return self._send_encoded(result)

    def _send_transformed_late(self, result: Any) -> Awaitable[None] | None:
        """Send what an async transform has left of a message; errors are reported."""
        if result is SWALLOWED:
            return None
        try:
            check_message(result)
            return self._send_encoded(result)
        except (ControlTextError, ParserError) as error:
            self._report(error)
            return None

    def _send_encoded(self, data: Any) -> Awaitable[None] | None:
        """Encode and send; what is returned has to be awaited first.

        Raises:
            ParserError: the parser has no form for it.
        """
        send = self._send_text
        if send is not None and (text := self._quick_text(data)) is not None:
            send(text)
            self.sent += 1
            return None
        frame = self._encoded(data)
        if isinstance(frame, FRAME):
            self._send(frame)
            return None
        return after(frame, self._send_late, self._unencodable)

    def _encoded(self, data: Any) -> Any:
        """The frame of a value, or an awaitable of one.

        Raises:
            ParserError: the parser has no form for it.
        """
        try:
            return encoded(self._encode, data)
        except Exception as error:
            failure = encoding_failure(error, self._parser, data)
            raise failure from failure.__cause__

    def _quick_text(self, data: Any) -> bytes | None:
        """The text of a value, where the parser gives it at once as UTF-8."""
        try:
            text: bytes = self._quick_encode(data)
        except Exception:
            return None  # `encode` says what is wrong, or does it with more care
        return escape_separators_in_utf8(text) if SEPARATOR in text else text

    def _send_late(self, frame: str | bytes) -> None:
        """Send what an async parser has encoded."""
        self._send(escape_separators(frame) if isinstance(frame, str) else frame)

    def _send(self, frame: str | bytes) -> None:
        """Send the frame of a message, its separators escaped."""
        if self._traced and frame != "":
            self.dispatch("outgoing::message", frame)
        if self._carry(frame):
            self.sent += 1

    def _carry(self, frame: str | bytes) -> bool:
        """Send a frame, whose separators are escaped; False when there is no wire."""
        transport = self._transport
        if transport is None or frame == "":
            return False  # Primus sends no empty text
        if self._traced:
            self.dispatch("outgoing::data", frame)
        transport.send(frame)
        return True

    def _carry_late(self, frame: str | bytes) -> None:
        """Send what an async parser has made of a control message."""
        self._carry(escape_separators(frame) if isinstance(frame, str) else frame)

    def _unencodable(self, error: Exception) -> None:
        """Report that an async parser could not encode a message."""
        self._report(late_failure(error))

    def relay(self, frame: str | bytes, prepared: PreparedFrames) -> None:
        """Send a frame that goes to many connections.

        Args:
            frame: the frame, with its separators escaped.
            prepared: what each class of transport has made of it so far, as a dictionary; it is
                added to.
        """
        if not self._is_clear and not self._takes_relay(frame):
            return
        transport = self._transport
        assert transport is not None
        kind = type(transport)
        ready = prepared.get(kind)
        if ready is None:
            ready = prepared[kind] = kind.prepare(frame)
        transport.send_prepared(ready)
        self.sent += 1

    relay_marked = relay_marked
    write_marked = write_marked
    send_again = send_again

    def compose(self, data: Any) -> tuple[Step, Any] | None:
        """Transform and encode a message that others get as well, each its own.

        Returns:
            What sends it, and what that is called with, at once; `None` when there is nothing to
            send. So no connection gets the message when that of another cannot be encoded.

        Raises:
            ControlTextError: the message is, or has become, text that peers obey.
            ParserError: the parser has no form for it.
        """
        if self._state != OPEN or (self._is_congested and not self._admits_more()):
            return None
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            return self._submit, data
        try:
            result = run(self.pipeline.outgoing, Packet(data), self)
        except TransformError as error:
            self._report(error)
            return None
        if type(result) not in PLAIN and is_awaitable(result):
            return self._await_transforms, result
        if result is SWALLOWED:
            return None
        check_message(result)
        frame = self._encoded(result)
        if isinstance(frame, FRAME):
            return self._relay_alone, frame
        return self._await_encoding, frame

    def _relay_alone(self, frame: str | bytes) -> None:
        if frame != "":
            self.relay(frame, {})

    def _await_transforms(self, result: Awaitable[Any]) -> None:
        self._send_in_turn(after(result, self._send_transformed_late, self._report))

    def _await_encoding(self, frame: Awaitable[str | bytes]) -> None:
        self._send_in_turn(after(frame, self._send_late, self._unencodable))

    def _send_in_turn(self, pending: Awaitable[None]) -> None:
        """Await what sends a message, behind what is awaited already."""
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            outbox.put(_itself, pending)
        else:
            self._send_later(pending)

    def _admits_relay(self) -> bool:
        """Whether a frame for many may be sent, now or in its turn."""
        if self._transport is None or self._state != OPEN:
            return False
        return not self._is_congested or self._admits_more()

    def _takes_relay(self, frame: str | bytes) -> bool:
        """Whether a frame for many may be sent now; it may have been kept for its turn."""
        if not self._admits_relay():
            if self._traced and self._transport is None and self._state == OPEN:
                self.dispatch("outgoing::message", frame)  # as `_send`, whose wire is gone as well
            return False
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            self._postpone(self._send, frame)
            return False
        if self._traced:
            self.dispatch("outgoing::message", frame)
            self.dispatch("outgoing::data", frame)
        return True

    def _send_later(self, pending: Awaitable[None]) -> None:
        """Keep what is written from now on in the outbox until `pending` is done."""
        outbox = self._outbox
        if outbox is None:
            outbox = self._outbox = Outbox(self)
        outbox.hold(pending)
        self._update_fast_path()

    def _postpone(self, step: Step, value: Any) -> bool:
        """Take a step in its turn; False when too many wait already."""
        outbox = self._outbox
        assert outbox is not None
        if outbox.is_full and not self._admits_more():
            return False
        outbox.put(step, value)
        return True

    def in_turn(self, fn: Callable[[], None]) -> None:
        """Call a function behind all that was written before, at once if nothing of it waits."""
        outbox = self._outbox
        if outbox is not None and outbox.is_busy:
            outbox.put(lambda _: fn(), None)
        else:
            fn()

    def _sent_all(self) -> None:
        """Note that nothing waits in the outbox any more."""
        self._update_fast_path()

    @property
    def has_unsent(self) -> bool:
        """Whether messages wait for an async transform or parser."""
        return self._outbox is not None and self._outbox.is_busy

    # -- closing the wire

    def _finish(self) -> None:
        """Close the transport, behind all that was written before."""
        outbox, transport = self._outbox, self._transport
        if outbox is None or not outbox.is_busy:
            self._close_transport(transport)
            return
        timer = None
        if transport is not None:
            # A transform that hangs must not keep the wire for ever.
            timer = self._clock.call_later(self.limits.finish_timeout, transport.abort)
        outbox.put(self._close_late, (transport, timer))

    def _close_late(self, late: tuple[Transport | None, Timer | None]) -> None:
        transport, timer = late
        if timer is not None:
            timer.cancel()
        self._close_transport(transport)

    def _close_transport(self, transport: Transport | None) -> None:
        if transport is self._transport:
            self._detach()
        if transport is not None:
            transport.close()

    # -- backpressure

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return 0 if self._transport is None else self._transport.buffered

    @property
    def is_congested(self) -> bool:
        """Whether more than ``high_water`` bytes wait to be sent."""
        return self._is_congested

    async def drain(self) -> None:
        """Wait until fewer than ``high_water`` bytes wait to be sent, or the connection ends."""
        while self._is_congested and self._state == OPEN:
            if self._room is None:
                self._room = asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def congested(self, congested: bool) -> None:
        """The transport holds more than ``high_water`` unsent bytes, or no longer does."""
        self._is_congested = congested
        self._update_fast_path()
        if not congested:
            for kind in tuple(self._owed or ()):
                if self._owed and (text := self._owed.pop(kind, None)) is not None:
                    self._tell(text)
            if self._room is not None:
                self._room.set()

    def _admits_more(self) -> bool:
        """Whether a slow consumer gets yet another frame; applies ``slow_consumer``."""
        if self.slow_consumer == "buffer":
            return True
        self.has_dropped = True
        if self.slow_consumer == "disconnect" and self._state == OPEN and not self._overflowed:
            self._overflowed = True  # what an error listener writes is dropped
            error = SlowConsumerError(
                f"{self.buffered} bytes wait for a peer that reads too slowly"
            )
            self.note(Ending(EndCode.SLOW_CONSUMER, reason=str(error), option="high_water"))
            self._report(error)
            self._drop()
        self.tally.messages_dropped += 1
        return False

    # -- reading

    def pipe(self, destination: Any) -> Any:
        """Write every message that arrives to `destination`, and end it when this one ends.

        A connection that does not keep up makes this one wait.

        Args:
            destination: anything with ``write`` and, if it has one, ``end`` or ``close``.

        Returns:
            `destination`.
        """

        return pipe(self, destination)

    def __aiter__(self) -> AsyncIterator[MessageT_co]:
        self._iterated()
        assert self._iterations is not None
        return Iteration(self, self._iterations)

    async def __anext__(self) -> Any:
        return await self._iterated().next()

    def _iterated(self) -> Messages:
        """The messages for iteration; from the first call on, messages wait to be taken."""
        if self._iterations is None:
            self._iterations = Iterations(self)
        return self._iterations.begin()

    def iterated(self) -> None:
        """Note an iteration over the messages of the connection, or of a stream above it."""

    def _on_data_listener(self, listener: Listener) -> None:
        """Note a new listener of ``data``."""
        if self._iterations is not None:
            self._iterations.give_way(listener)

    def _replay(self, listener: Listener, messages: list[Message]) -> None:
        """Bring messages that have been kept to a listener, before those that follow."""
        if messages:
            self._undelivered += 1
            self.hold(self._replayed(listener, messages))

    async def _replayed(self, listener: Listener, messages: list[Message]) -> None:
        was_open = self._state == OPEN
        try:
            for message in messages:
                if was_open and self._state != OPEN:
                    break  # our own end: what the peer ended is still to be told
                result = self._call("data", listener, message)
                if is_awaitable(result):
                    await self._guard("data", result)
        finally:
            self._undelivered -= 1

    def _kept(self) -> Iterable[Message]:
        """Messages that have been kept for an iteration."""
        return ()

    def _finish_iteration(self) -> None:
        """End the iteration, once it has taken what is queued."""
        if self._iterations is not None:
            self._iterations.finish()

    def _is_over(self) -> bool:
        """Whether no message will come any more."""
        return self._state == CLOSED
