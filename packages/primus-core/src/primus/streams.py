"""`Stream`: messages of one name above a connection, with listeners and an end of their own.

A plugin makes the packets and decides which stream a message belongs to; what all such plugins have
in common is here. A stream handles its messages one at a time, in order. Streams of one connection
do not wait for one another: the connection waits only while too much waits for all of its streams,
or while their running listeners hold too much. Either is what its `Limits` allow to be read ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Final, Literal, Self, TypeVar, cast

from primus.arriving import Arriving
from primus.callables import PLAIN, after, dispose, is_awaitable
from primus.clock import Clock
from primus.connection import CLOSED, OPEN, OPENING, Connection
from primus.connection.inbox import Inbox
from primus.connection.iteration import Iteration, Iterations
from primus.connection.messages import Message, Messages
from primus.connection.piping import pipe
from primus.errors import TransformError
from primus.events import Delivered, Delivering, Emitter, Listener, Replying
from primus.pipeline import SWALLOWED, Packet, Transforms, run
from primus.tasks import spawn
from primus.threads import ThreadView

__all__ = ["Stream", "Streams"]

Destination = TypeVar("Destination")

OWN_EVENTS: Final = frozenset({"data", "end", "readyStateChange"})
"""What a stream emits by itself, so that it is not taken over from the connection."""


class Streams:
    """The streams of one connection, and how much waits for all of them or is held by them.

    Args:
        connection: what they stand on.
    """

    __slots__ = ("_connection", "_held", "_messages", "_relief", "_room", "_size", "_streams")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._streams: dict[Stream, None] = {}
        self._messages = 0
        self._size = 0
        self._held = 0
        """How many bytes the messages have whose async listeners run, or that a loop is at."""
        self._room: asyncio.Future[None] | None = None
        """What the connection waits for while too much waits."""
        self._relief: asyncio.Future[None] | None = None
        """What it waits for while listeners hold too much."""

    def __iter__(self) -> Iterator[Stream]:
        """The streams there are now; they may come and go meanwhile."""
        return iter(tuple(self._streams))

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def connection(self) -> Connection:
        """What they stand on."""
        return self._connection

    def add(self, stream: Stream) -> None:
        """Let a stream follow the connection."""
        self._streams[stream] = None

    def discard(self, stream: Stream) -> None:
        """Forget a stream."""
        self._streams.pop(stream, None)

    # -- what the connection does

    def changed(self, state: int) -> None:
        """Tell the streams that the ready state of the connection is another."""
        for stream in self:
            stream.changed(state)

    def ended(self) -> None:
        """End the streams, each behind the messages that have arrived for it."""
        for stream in self:
            stream.ended(by_connection=True)

    # -- what waits

    def wait(self, size: int) -> None:
        """Count a message that has to wait."""
        self._messages += 1
        self._size += size

    def took(self, messages: int, size: int) -> None:
        """Count messages that wait no longer."""
        self._messages -= messages
        self._size -= size
        self._make_room()

    @property
    def is_full(self) -> bool:
        """Whether the connection has to wait."""
        limits = self._connection.limits
        return self._messages >= limits.read_ahead_messages or self._size >= limits.read_ahead_bytes

    # -- what listeners hold

    def held(self, size: int) -> None:
        """Count the bytes of a message that is being handled."""
        self._held += size

    def released(self, size: int) -> None:
        """Count them no longer."""
        self._held -= size
        if self._relief is not None and not self._relief.done() and not self.holds_much:
            self._relief.set_result(None)
        self._make_room()

    @property
    def holds_much(self) -> bool:
        """Whether the connection has to wait for running listeners.

        Bytes count, and messages do not: any number of small ones may run at a time. A message is
        let in while less than the bound is held, so one that is longer is too.
        """
        return self._held >= self._connection.limits.read_ahead_bytes

    async def relief(self) -> None:
        """Wait until listeners hold less than the bound, whatever waits.

        A message that waits may be for a listener that awaits one of another stream.
        """
        while self.holds_much:
            if self._relief is None or self._relief.done():
                self._relief = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._relief)

    # -- room

    def _make_room(self) -> None:
        room = self._room
        if room is not None and not room.done() and not self._messages and not self.holds_much:
            room.set_result(None)

    async def room(self) -> Literal[False]:
        """Wait until nothing waits for any stream, and listeners hold less than the bound."""
        while self._messages or self.holds_much:
            if self._room is None or self._room.done():
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)
        return False


class _Held:
    """A listener that runs, counted with the bytes of its message until it is done.

    The end of its stream does not end it, and releases nothing: a peer could else make one stream
    after the other, with a message each.

    Args:
        streams: those of the connection.
        pending: the listener.
        size: how many bytes its message has.
    """

    __slots__ = ("_pending", "_size", "_streams")

    def __init__(self, streams: Streams, pending: Awaitable[Any], size: int) -> None:
        self._streams = streams
        self._pending = pending
        self._size = size
        streams.held(size)

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            return (yield from self._pending.__await__())
        finally:
            self._release()

    def close(self) -> None:
        """Give up what has not begun to be awaited."""
        dispose(self._pending)
        self._release()

    def _release(self) -> None:
        size, self._size = self._size, 0
        self._streams.released(size)


class _Loop:
    """An ``async for`` over a stream: it holds its message until it asks for the next, or ends."""

    def __init__(self, stream: Stream, iterations: Iterations) -> None:
        self._stream = stream
        self._counted = Iteration(stream, iterations)
        """Counts among those that run until it is let go of."""
        self._size = 0
        """How many bytes the message has that it is at."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._let_go()
        stream = self._stream
        data, raw = await stream._iterated().next_message()
        self._size = _size(raw)
        stream.streams.held(self._size)
        stream._hold_back()
        return data

    def _let_go(self) -> None:
        size, self._size = self._size, 0
        if size:
            self._stream.streams.released(size)

    def __del__(self) -> None:
        self._let_go()


class Stream(Emitter):
    """A stream of messages above a connection.

    Events: ``data(message, raw)``, ``readyStateChange(state)``, ``error(err)``, ``close``, ``end``,
    and those of the connection that it carries.

    Args:
        streams: those of its connection.
        carried: the events of the connection that are emitted on the stream as well.
    """

    OPENING: ClassVar[int] = OPENING
    CLOSED: ClassVar[int] = CLOSED
    OPEN: ClassVar[int] = OPEN

    def __init__(self, streams: Streams, carried: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.streams = streams
        """The streams of its connection, to which it belongs until it ends."""
        self.connection = connection = streams.connection
        """What it stands on."""
        self.log = connection.log
        self.limits = connection.limits
        self._carried = carried & connection.events.names - OWN_EVENTS
        self._carriers: dict[str, Callable[..., object]] = {}
        """The listeners on the connection, for the events that have listeners here."""
        self._inbox: Inbox | None = None
        """Made when a message has to wait for the first time."""
        self._waiting = 0
        self._waiting_size = 0
        self._iterations: Iterations | None = None
        """Made by the first iteration."""
        self._consumed: asyncio.Event | None = None
        self._told = connection.ready_state
        """The ready state that the listeners know of."""
        self._is_ending = False
        """Set once nothing is written or received any more; what has arrived is delivered."""
        self._is_ended = False
        self._ended_by_connection = False
        if connection._is_over():
            self._is_ending = self._is_ended = True
        else:
            streams.add(self)

    # -- state

    @property
    def ready_state(self) -> int:
        """That of the connection; `CLOSED` once the stream has ended."""
        return CLOSED if self._is_ending else self.connection.ready_state

    @property
    def clock(self) -> Clock:
        """That of the connection."""
        return self.connection.clock

    @property
    def awaits_answers(self) -> bool:
        """Whether a listener may be waiting for what the peer has still to send."""
        return self.connection.awaits_answers

    @property
    def thread(self) -> Self:
        """The stream as another thread sees it, as `Connection.thread`."""
        return cast("Self", ThreadView(self, self.connection._home))

    def reserved(self, event: str) -> bool:
        """Whether an event of the connection has that name."""
        return self.connection.reserved(event)

    # -- what users call

    def write(self, data: Any) -> bool:
        """Send `data` to the other end of the stream.

        Returns:
            False when the stream has ended; otherwise what `write` of the connection returns.
        """
        return not self._is_ending and self._send(data)

    def end(self, data: Any = None) -> None:
        """End the stream; what was written before still arrives.

        Emits ``close`` and ``end`` once; then the stream has no listeners any more.

        Args:
            data: a last message; `None` for none.
        """
        if self._is_ending:
            return
        if data is not None:
            self.write(data)
        self._is_ending = True
        self._send_end()
        self._drop_inbox()
        self._ended(None)

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent over the connection."""
        return self.connection.buffered

    @property
    def is_congested(self) -> bool:
        """Whether more than ``high_water`` bytes wait to be sent over the connection."""
        return self.connection.is_congested

    async def drain(self) -> None:
        """Wait until fewer than ``high_water`` bytes wait to be sent over the connection."""
        await self.connection.drain()

    def pipe(self, destination: Destination) -> Destination:
        """Write every message that arrives to `destination`, as `Connection.pipe`."""
        return pipe(self, destination)

    def __aiter__(self) -> _Loop:
        self._iterated()
        assert self._iterations is not None
        return _Loop(self, self._iterations)

    async def __anext__(self) -> Any:
        return await self._iterated().next()

    # -- what plugins say of it

    def _send(self, data: Any) -> bool:
        """Send a message as a packet."""
        raise NotImplementedError

    def _send_end(self) -> None:
        """Tell the other end that the stream ends here."""

    def _transforms(self) -> Transforms:
        """The transforms that a message passes before it is ``data``."""
        return ()

    def _closed(self) -> None:
        """Handle the end of the stream, before it is told to listeners."""

    # -- receiving

    def receive(self, data: Any, raw: Any = None) -> Delivered:
        """Take a message that has arrived.

        Returns:
            What a transform returns that has given its message away: `False`, or an awaitable of
            it that the connection has to wait for.
        """
        if self._is_ending:
            return False
        inbox = self._inbox
        if inbox is None or not inbox.is_busy:
            pending = self._bring(data, raw)
            if pending is not None:
                self.hold(self._holding(pending, raw))
                self._hold_back()
            return False
        if self.overtakes(data):
            pending = self._bring(data, raw)
            if pending is not None:
                spawn(self._awaited_alone(self._holding(pending, raw)))
                self._hold_back()
            return False
        size = _size(raw)
        inbox.put(data, raw)
        self._waiting += 1
        self._waiting_size += size
        self.streams.wait(size)
        return self.streams.room() if self.streams.is_full else False

    def changed(self, state: int) -> None:
        """Tell the listeners that the ready state is another."""
        if state != self._told:
            self._told = state
            self.dispatch("readyStateChange", state)

    def ended(self, *, by_connection: bool = False) -> None:
        """Handle an end that is not ours, behind the messages that have arrived before.

        Args:
            by_connection: whether the connection has ended, rather than the other end of the
                stream.
        """
        if self._is_ending:
            return
        self._is_ending = True
        self._ended_by_connection = by_connection
        if self._inbox is not None and self._inbox.is_busy and len(self._inbox):
            self._inbox.put_loss(None)
        else:
            self._ended(None)

    def hold(self, pending: Awaitable[Any]) -> None:
        """Keep the messages of the stream back until `pending` is done."""
        if self._inbox is None:
            self._inbox = Inbox(self)
        self._inbox.hold(pending)

    def overtakes(self, data: Any) -> bool:
        """Whether a message is handled at once, as `Connection.overtakes`."""
        try:
            return any(hook(self, data) for hook in self.connection.overtaking_hooks)
        except Exception as error:
            self._log_raised(f"{self!r}: a primus_overtakes hook raised", error)
            return False

    def arriving(self, data: Any) -> list[Arriving]:
        """As `Connection.arriving`."""
        hooks = self.connection.event_hooks
        return [event for hook in hooks if (event := hook(self, data)) is not None]

    def deliver(self, event: str, /, *args: Any, to: Delivering | None = None) -> Delivered:
        """As `Connection.deliver`."""
        if self._is_ended:
            return False
        return super().deliver(event, *args) if to is None else to.deliver(event, *args)

    def take_request(self, event: str, args: Sequence[Any], reply: Replying) -> Delivered:
        """As `Connection.take_request`."""
        return False if self._is_ended else super().take_request(event, args, reply)

    def consumed(self) -> asyncio.Event:
        """Set as soon as an iteration over the messages has begun."""
        if self._consumed is None:
            self._consumed = asyncio.Event()
            if self._iterations is not None and self._iterations.messages is not None:
                self._consumed.set()
        return self._consumed

    def _bring(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Bring a message to the listeners; what is returned has to be awaited first."""
        transforms = self._transforms()
        if not transforms:
            return self._deliver(data, raw)
        try:
            result = run(transforms, Packet(data, raw), self)
        except TransformError as error:
            self._report(error)
            return None
        if type(result) not in PLAIN and is_awaitable(result):
            return after(result, lambda value: self._transformed(value, raw), self._report)
        return self._transformed(result, raw)

    def _transformed(self, result: Any, raw: Any) -> Awaitable[Any] | None:
        return None if result is SWALLOWED else self._deliver(result, raw)

    def _deliver(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        listeners = self._listeners.get("data", ())
        if len(listeners) == 1 and listeners[0].is_plain and not self._is_ended:
            try:
                result = listeners[0].fn(data)
            except (Exception, asyncio.CancelledError) as error:
                self._failed("data", error)
                return None
            return result if type(result) not in PLAIN and is_awaitable(result) else None
        delivered = self.deliver("data", data, raw)
        return None if delivered is False else delivered

    def _holding(self, pending: Awaitable[Any], raw: Any) -> Awaitable[Any]:
        """A listener that runs, counted with what it holds."""
        size = _size(raw)
        return _Held(self.streams, pending, size) if size else pending

    def _hold_back(self) -> None:
        """Let the connection wait while listeners hold too much.

        It waits as for a listener of its own, since the message has been delivered: the loss of
        the wire is told at once unless other messages wait, and answers overtake those.
        """
        if self.streams.holds_much:
            self.connection.hold(self.streams.relief())

    async def _awaited_alone(self, pending: Awaitable[Any]) -> None:
        """Await the listener of a message that has overtaken others."""
        try:
            await pending
        except Exception as error:
            self._listener_failed(error)

    def _ended(self, error: Exception | None) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        self.streams.discard(self)
        self._closed()
        if self._iterations is not None:
            self._iterations.finish()
        self.changed(CLOSED)
        # A socket that ends has closed before, and the stream has told it.
        if not (self._ended_by_connection and "close" in self._carried):
            self.dispatch("close")
        self.dispatch("end")
        self.off()

    def _drop_inbox(self) -> None:
        if self._inbox is not None:
            self._inbox.clear()
        self._took(self._waiting, self._waiting_size)

    def _took(self, messages: int, size: int) -> None:
        self._waiting -= messages
        self._waiting_size -= size
        self.streams.took(messages, size)

    # -- what its inbox calls

    def _handle(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        self._took(1, _size(raw))
        pending = self._bring(data, raw)
        return None if pending is None else self._holding(pending, raw)

    def _listener_failed(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.log.warning("%r: a listener was cancelled", self)
        else:
            self._failed("data", error)

    def _caught_up(self, *, was_paused: bool) -> None:
        """Nothing to do: the connection looks at all of its streams."""

    # -- errors

    def _report(self, error: Exception) -> None:
        """Tell the listeners to ``error`` here, or else those of the connection."""
        if not self.dispatch("error", error):
            self.connection._report(error)

    def _start(self, event: str, awaitable: Awaitable[Any]) -> None:
        """As `Connection._start`: the connection waits for the errors of all its streams."""
        self.connection.started(event, spawn(self._guard(event, awaitable)))

    def _log_raised(self, text: str, error: BaseException) -> None:
        self.connection._log_raised(f"{self!r}: {text}", error)

    # -- listeners

    def _add(self, event: str, fn: Any, *, once: bool) -> Any:
        added = super()._add(event, fn, once=once)
        if event == "data" and fn is not None and self._iterations is not None:
            self._iterations.give_way(self._listeners["data"][-1])
        return added

    def _listeners_changed(self) -> None:
        """Listen on the connection for what is listened to here, and for nothing else.

        An ``error`` that has a listener is not logged: so a stream that nothing listens to must
        not listen itself.
        """
        for event in [event for event in self._carriers if event not in self._listeners]:
            self.connection.off(event, self._carriers.pop(event))
        for event in self._listeners.keys() & self._carried - self._carriers.keys():
            self._carriers[event] = carrier = partial(self.dispatch, event)
            self.connection.on(event, carrier)

    # -- iteration

    def _iterated(self) -> Messages:
        if self._iterations is None:
            self._iterations = Iterations(self)
        messages = self._iterations.begin()
        if self._consumed is not None:
            self._consumed.set()
        self.connection.iterated()
        return messages

    def _kept(self) -> Iterable[Message]:
        return ()

    def _is_over(self) -> bool:
        return self._is_ended

    def _replay(self, listener: Listener, messages: list[Message]) -> None:
        if messages:
            self.hold(self._replayed(listener, messages))

    async def _replayed(self, listener: Listener, messages: list[Message]) -> None:
        for message in messages:
            result = self._call("data", listener, message)
            if is_awaitable(result):
                await self._guard("data", result)


def _size(raw: Any) -> int:
    """How many bytes of a message count, by the frame that it came in."""
    return len(raw) if isinstance(raw, str | bytes) else 0
