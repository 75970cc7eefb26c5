"""An event emitter whose listeners may be plain or async, and may take fewer arguments.

Adding a listener does the expensive work once: how many arguments it takes is measured then.
Listeners of an event are kept in a tuple that is replaced, never changed, so that an emit
that is under way is not disturbed by `on` and `off`, and copies nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar, overload

from primus.callables import EVERYTHING, bounds, obstacle
from primus.errors import ListenerError

__all__ = [
    "PRIVATE_PREFIXES",
    "Delivered",
    "Delivering",
    "Emitter",
    "Listener",
    "Replying",
    "ReservedEvents",
]

Delivered = Literal[False] | Awaitable[Literal[False]]
"""What a transform returns when its message has gone elsewhere: `False`, at once or later."""

Handler = TypeVar("Handler", bound=Callable[..., Any])

PRIVATE_PREFIXES: Final = ("incoming::", "outgoing::")

CLOSE: Final = 0.75
"""How much alike two names are when one is taken for the other, misspelt; 1 is equal."""
MOST_SEEN: Final = 1000
"""How many names are compared with those of Primus."""

# Names that Primus reserves by accident (its check reads Object.prototype); kept so that a
# name is reserved on both sides of a connection or on neither.
PROTOTYPE_NAMES: Final = frozenset(
    "__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__ constructor"
    " hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf".split()
)


class Listener:
    """A callable with the number of arguments it takes, and whether it is called only once."""

    __slots__ = ("arity", "fn", "is_plain", "needs", "once")

    def __init__(self, fn: Callable[..., Any], once: bool, given: int = EVERYTHING) -> None:
        self.fn = fn
        self.needs, self.arity = bounds(fn)
        if self.arity > given:
            self.arity = max(given, self.needs)
        self.once = once
        self.is_plain = self.arity == 1 and not once
        """Whether it is called with one argument, every time."""

    def __call__(self, *args: Any) -> Any:
        """Call it with as many of `args` as it takes."""
        return self.fn(*args[: self.arity])

    def filled(self, args: Sequence[Any]) -> Sequence[Any]:
        """`args`, and `None` for each argument that it needs beyond them."""
        missing = self.needs - len(args)
        return args if missing <= 0 else (*args, *[None] * missing)


class ReservedEvents:
    """The event names that belong to Primus. Each Primus has tables of its own."""

    __slots__ = ("_seen", "names")

    def __init__(self, names: frozenset[str]) -> None:
        self.names = set(names)
        self._seen: set[str] = set()
        """Other names that have been listened to, and warnings: each is looked at once."""

    def mistaken(self, event: str, instead: Mapping[str, str]) -> str:
        """What to do about a name that is likely to be a mistake; empty the second time.

        Args:
            event: the name.
            instead: as `Emitter.instead`.
        """
        if event in self or not self.is_new(event):
            return ""
        if event in instead:
            return instead[event]
        from difflib import get_close_matches

        close = get_close_matches(event, sorted(self.names), n=1, cutoff=CLOSE)
        return f"Did you mean {close[0]!r}?" if close else ""

    def is_new(self, text: str) -> bool:
        """Whether a warning has not been given before; false the second time."""
        if text in self._seen or len(self._seen) >= MOST_SEEN:
            return False
        self._seen.add(text)
        return True

    def __contains__(self, event: object) -> bool:
        return self.has(event)

    def has(self, event: object) -> bool:
        """Whether a name is reserved: as `in`, of which the interpreter makes a detour."""
        return isinstance(event, str) and (
            event in self.names or event in PROTOTYPE_NAMES or event.startswith(PRIVATE_PREFIXES)
        )

    def copy(self) -> ReservedEvents:
        """An independent table with the same names."""
        return ReservedEvents(frozenset(self.names))


class Delivering(Protocol):
    """What a message that has arrived can be delivered to."""

    def deliver(self, event: str, /, *args: Any) -> Delivered:
        """As `Emitter.deliver`."""


class Replying(Protocol):
    """What answers a request; see `primus.answers.Reply`."""

    def __call__(self, *args: Any) -> object:
        """Answer it."""

    def returned(self, value: Any) -> object:
        """Answer it with what a listener has returned."""

    def is_refusal(self, error: BaseException) -> bool:
        """Whether what a listener raised is an answer of its own, and no failure to report."""

    def fail(self, error: BaseException) -> object:
        """Handle that a listener raised, and that there is no answer."""

    def unheard(self) -> object:
        """Handle that the request has no listener."""


class _Answering:
    """One request on its way through its listeners.

    Args:
        reply: answers it, once.
        size: how many arguments it has.
    """

    __slots__ = ("_error", "_is_answered", "_is_taken", "_size", "reply")

    def __init__(self, reply: Replying, size: int) -> None:
        self.reply = reply
        self._size = size
        self._error: BaseException | None = None
        self._is_answered = False
        """Whether what a listener returned has been the answer."""
        self._is_taken = False
        """Whether a listener has the reply, and may answer later."""

    def takes_reply(self, listener: Listener) -> bool:
        """Whether a listener answers by calling the reply."""
        takes = listener.arity > self._size
        self._is_taken = self._is_taken or takes
        return takes

    def returned(self, listener: Listener, value: Any) -> None:
        """Take what a listener returned."""
        if value is not None and listener.arity <= self._size and not self._is_answered:
            self.reply.returned(value)
            self._is_answered = True

    def ignores(self, listener: Listener, value: Any) -> bool:
        """Whether a listener has returned an answer that is none, since it was given the reply.

        It could have been called without the reply, so it may have got it by mistake. What the
        reply returns is a `bool`.
        """
        if value is None or isinstance(value, bool):
            return False
        return listener.needs <= self._size < listener.arity

    def failed(self, listener: Listener, error: BaseException) -> bool:
        """Take what a listener raised; False when that is its answer, and no failure to report."""
        if listener.arity > self._size:
            self.reply.fail(error)
        else:
            self._error = error
        return not self.reply.is_refusal(error)

    def finish(self) -> None:
        """Answer, when no listener has and none will."""
        if self._is_answered or self._is_taken:
            return
        if self._error is None:
            self.reply.returned(None)
        else:
            self.reply.fail(self._error)


class Emitter:
    """Gives `on`, `once`, `off`, `emit`, `emits` and `reserved`."""

    __slots__ = ("__weakref__", "_listeners")

    events: ReservedEvents = ReservedEvents(frozenset())
    log: logging.Logger = logging.getLogger("primus")
    carries: ClassVar[Mapping[str, int]] = {}
    """How many arguments an event of Primus carries at the most; a listener that needs more is
    refused."""
    instead: ClassVar[Mapping[str, str]] = {}
    """By an event that others emit, and this emitter does not: what to listen to in its place."""
    added: ClassVar[Mapping[str, int]] = {}
    """How many arguments of an event every listener gets that takes them. Those behind were added
    later: a listener gets them when it cannot be called without, so that a parameter with a
    default, or ``*args``, means what it meant."""

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[Listener, ...]] = {}

    @overload
    def on(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def on(self, event: str, fn: Handler) -> Handler: ...
    def on(self, event: str, fn: Handler | None = None) -> Any:
        """Call `fn` whenever `event` is emitted. Without `fn`, works as a decorator.

        `fn` is plain or async and may take fewer arguments than the event carries.

        Returns:
            `fn` itself.

        Raises:
            TypeError: `event` is no text, `fn` is not callable, or it needs more arguments than the
                event carries.
        """
        return self._add(event, fn, once=False)

    @overload
    def once(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def once(self, event: str, fn: Handler) -> Handler: ...
    def once(self, event: str, fn: Handler | None = None) -> Any:
        """As `on`, but `fn` is called for the next `event` only."""
        return self._add(event, fn, once=True)

    def _add(self, event: str, fn: Any, *, once: bool) -> Any:
        if not isinstance(event, str):
            raise TypeError(f'the name of an event comes first, as in @on("data"), not {event!r}')
        if fn is None:
            return lambda handler: self._add(event, handler, once=once)
        if not callable(fn):
            raise TypeError(f"listener of {event!r} must be callable, not {fn!r}")
        most = self.carries.get(event, EVERYTHING)
        listener = Listener(fn, once, self.added.get(event, EVERYTHING))
        if (why := obstacle(fn, listener.needs, most)) is not None:
            raise TypeError(f"{fn!r} cannot listen to {event!r}: {why}")
        if most == EVERYTHING and (cure := self.events.mistaken(event, self.instead)):
            self.log.warning("on(%r): Primus has no such event. %s", event, cure)
        self._listeners[event] = (*self._listeners.get(event, ()), listener)
        self._listeners_changed()
        return fn

    def _listeners_changed(self) -> None:
        """Listeners have come or gone."""

    def off(self, event: str | None = None, fn: Callable[..., Any] | None = None) -> None:
        """Remove `fn` from `event`; without `fn` all listeners of `event`; without both, all."""
        if event is None:
            self._listeners.clear()
            self._listeners_changed()
            return
        kept = () if fn is None else self._listeners.get(event, ())
        self._keep_listeners(event, tuple(one for one in kept if one.fn != fn))

    def _keep_listeners(self, event: str, listeners: tuple[Listener, ...]) -> None:
        if listeners:
            self._listeners[event] = listeners
        else:
            self._listeners.pop(event, None)
        self._listeners_changed()

    def listeners(self, event: str) -> tuple[Callable[..., Any], ...]:
        """The callables that listen to `event`, in the order of their adding."""
        return tuple(listener.fn for listener in self._listeners.get(event, ()))

    def emit(self, event: str, /, *args: Any) -> bool:
        """Call the listeners of `event`, in order.

        An async listener is started and goes on by itself. A listener that raises is logged
        and reported by `error`; the others are called all the same. A plugin may send an event
        that is not reserved to the other side instead: `dispatch` never leaves.

        Returns:
            Whether the event has listeners.
        """
        return self.dispatch(event, *args)

    def dispatch(self, event: str, /, *args: Any) -> bool:
        """As `emit`, and always here, whatever plugins make of `emit`."""
        listeners = self._listeners.get(event)
        if not listeners:
            return False
        for listener in listeners:
            result = self._call(event, listener, args)
            if result is not None and hasattr(type(result), "__await__"):
                self._start(event, result)
        return True

    def call_listeners(self, event: str, /, *args: Any) -> list[Awaitable[None]]:
        """As `dispatch`, but what the async listeners have still to do is left to the caller."""
        called = [self._call(event, each, args) for each in self._listeners.get(event, ())]
        return [self._guard(event, each) for each in called if hasattr(type(each), "__await__")]

    def deliver(self, event: str, /, *args: Any) -> Delivered:
        """Bring what has arrived from the other side to the listeners of `event`, here.

        For transforms, which return what this returns: the message is then swallowed, and those
        behind it wait while an async listener runs. What the other side has left out is `None`:
        it cannot make a listener fail for lack of an argument.
        """
        for index, listener in enumerate(listeners := self._listeners.get(event, ())):
            given = args if listener.needs <= len(args) else listener.filled(args)
            result = self._call(event, listener, given)
            if result is not None and hasattr(type(result), "__await__"):
                return self._deliver_on(event, listeners[index + 1 :], result, args)
        return False

    async def _deliver_on(
        self, event: str, listeners: tuple[Listener, ...], result: Any, args: tuple[Any, ...]
    ) -> Literal[False]:
        """Await `result`, then call the listeners that are left."""
        await self._guard(event, result)
        for listener in listeners:
            result = self._call(event, listener, listener.filled(args))
            if hasattr(type(result), "__await__"):
                await self._guard(event, result)
        return False

    def deliver_request(self, event: str, /, *args: Any, reply: Replying) -> Delivered:
        """As `deliver`, for what the other side wants to be answered.

        A listener that takes more arguments than have arrived gets `reply` behind them, and calls
        it, now or later. Any other listener answers by what it returns, or awaits to: the first
        value that is not `None` counts, and `None` once all have run without another answer.
        """
        return self.take_request(event, args, reply)

    def take_request(self, event: str, args: Sequence[Any], reply: Replying) -> Delivered:
        """As `deliver_request`, with the arguments in one piece: what plugins call.

        A subclass that looks at requests replaces this one, which both come to.
        """
        listeners = self._listeners.get(event, ())
        if len(listeners) == 1:
            listener = listeners[0]
            if listener.arity > len(args) and not listener.once:
                return self._deliver_replying(event, listener, args, reply)
        elif not listeners:
            reply.unheard()
            return False
        answering = _Answering(reply, len(args))
        for index, listener in enumerate(listeners):
            result = self._call_asked(event, listener, args, answering)
            if result is not None and hasattr(type(result), "__await__"):
                return self._deliver_request_on(event, listeners, index, result, args, answering)
            self._take_answer(event, listener, result, answering)
        answering.finish()
        return False

    def _deliver_replying(
        self, event: str, listener: Listener, args: Sequence[Any], reply: Replying
    ) -> Delivered:
        """Deliver a request to its only listener, which takes the reply.

        That is how most requests are answered: there is nothing to be kept of it meanwhile.
        """
        given = (*args, reply)
        try:
            result = listener.fn(*given if listener.needs <= len(given) else listener.filled(given))
        except (Exception, asyncio.CancelledError) as error:
            reply.fail(error)
            if not reply.is_refusal(error):
                self._failed(event, error)
            return False
        if result is None or isinstance(result, bool):
            return False
        answering = _Answering(reply, len(args))
        answering.takes_reply(listener)
        if hasattr(type(result), "__await__"):
            return self._deliver_request_on(event, (listener,), 0, result, args, answering)
        self._take_answer(event, listener, result, answering)
        return False

    async def _deliver_request_on(
        self,
        event: str,
        listeners: tuple[Listener, ...],
        index: int,
        result: Any,
        args: Sequence[Any],
        answering: _Answering,
    ) -> Literal[False]:
        """Await what a listener returned, then call those behind it."""
        listener = listeners[index]
        while True:
            if hasattr(type(result), "__await__"):
                try:
                    result = await result
                except asyncio.CancelledError as error:
                    answering.failed(listener, error)
                    answering.finish()
                    raise
                except Exception as error:
                    if answering.failed(listener, error):
                        self._failed(event, error)
                    result = None
            self._take_answer(event, listener, result, answering)
            index += 1
            if index == len(listeners):
                break
            listener = listeners[index]
            result = self._call_asked(event, listener, args, answering)
        answering.finish()
        return False

    def _call_asked(
        self, event: str, listener: Listener, args: Sequence[Any], answering: _Answering
    ) -> Any:
        """Call a listener that may answer; `None` when it raised."""
        if listener.once and not self._forget(event, listener):
            return None
        if answering.takes_reply(listener):
            args = (*args, answering.reply)
        try:
            return listener(*listener.filled(args))
        except (Exception, asyncio.CancelledError) as error:
            if answering.failed(listener, error):
                self._failed(event, error)
            return None

    def _take_answer(
        self, event: str, listener: Listener, value: Any, answering: _Answering
    ) -> None:
        """Answer with what a listener returned; what cannot be sent is a failure of its own."""
        if answering.ignores(listener, value) and self.events.is_new(f"answer to {event}"):
            self.log.warning(
                "what %r returns for %r is no answer: it takes an argument more than the event "
                "has, which is the function that answers. Make the parameter keyword-only to bind "
                "a value of your own",
                listener.fn,
                event,
            )
        try:
            answering.returned(listener, value)
        except Exception as error:
            answering.failed(listener, error)
            self._failed(event, error)

    def emits(self, event: str, parser: Callable[..., Any] | None = None) -> Callable[..., bool]:
        """A function that emits `event` with its arguments, or with what `parser` makes of them.

        A tuple returned by `parser` gives the arguments; any other value is the one argument.
        """

        def emitter(*args: Any) -> bool:
            if parser is not None:
                made = parser(*args)
                args = made if isinstance(made, tuple) else (made,)
            return self.emit(event, *args)

        return emitter

    def reserved(self, event: str) -> bool:
        """Whether `event` is a name that Primus itself, or a plugin in use, emits."""
        return self.events.has(event)

    def _call(self, event: str, listener: Listener, args: Sequence[Any]) -> Any:
        if listener.once and not self._forget(event, listener):
            return None
        try:
            return listener.fn(*args[: listener.arity])
        except (Exception, asyncio.CancelledError) as error:
            # A plain call is never cancelled by its task: this is the listener's own.
            self._failed(event, error)
            return None

    def _take(self, event: str) -> tuple[Listener, ...]:
        """The listeners of `event`, for a caller that calls them itself."""
        listeners = self._listeners.get(event, ())
        for one in listeners:
            if one.once:
                return tuple(one for one in listeners if not one.once or self._forget(event, one))
        return listeners

    def _forget(self, event: str, listener: Listener) -> bool:
        """Drop one `Listener`; False when it was gone already (it fired within this emit)."""
        before = self._listeners.get(event, ())
        after = tuple(other for other in before if other is not listener)
        self._keep_listeners(event, after)
        return len(after) < len(before)

    def _start(self, event: str, awaitable: Awaitable[Any]) -> None:
        """Run an async listener in a task."""
        from primus.tasks import spawn

        spawn(self._guard(event, awaitable))

    async def _guard(self, event: str, awaitable: Awaitable[Any]) -> None:
        try:
            await awaitable
        except Exception as error:
            self._failed(event, error)

    def _failed(self, event: str, error: BaseException) -> None:
        """A listener raised: log it with its traceback and emit it as `error`."""
        self._log_raised(f"a listener of {event!r} raised", error)
        if event != "error" and self._listeners.get("error"):
            wrapped = ListenerError(f"a listener of {event!r} raised: {error!r}")
            wrapped.__cause__ = error
            self.dispatch("error", wrapped)

    def _log_raised(self, text: str, error: BaseException) -> None:
        self.log.error("%s", text, exc_info=error)
