"""A resource on a Python client: its methods, and when it is ready."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeVar, get_args, get_origin, get_type_hints

from primus import ParserError, PrimusError, TransportError
from primus.answers import CONFIGURED, Timeout
from primus.clock import Within
from primus.contracts import ConnectionLike
from primus.events import Emitter
from primus.limits import DEFAULT_LIMITS
from primus.option_checks import duration
from primus.schema import Type
from primus_resource.methods import ResourceError
from primus_resource.values import plain

__all__ = ["Calls", "RemoteResources", "Resource", "ResourceLost", "ResourceTimeout", "names_in"]

Fn = TypeVar("Fn", bound=Callable[..., Any])

NAME_OVERHEAD: Final = DEFAULT_LIMITS.frame_overhead
"""What a name costs beside its characters."""


class ResourceTimeout(PrimusError, TimeoutError):
    """The server did not say in time that it has the resource."""


class ResourceLost(TransportError):
    """The connection ended before the server said that it has the resource."""


class Calls(Protocol):
    """What a typed resource has beside its own methods; derive a Protocol from it, or do without.

    class Todo(Calls, Protocol):
        async def add(self, text: str) -> Item: ...
    """

    async def ready(self, timeout: float | None = 30.0) -> list[str]:
        """As `Resource.ready`."""

    async def call(self, method: str, /, *args: object, timeout: Timeout = CONFIGURED) -> Any:
        """As `Resource.call`."""

    def on(self, event: str, fn: Fn) -> Fn:
        """As `Resource.on`."""


class Resource:
    """The methods of an object on the server, once it is `ready`.

    Args:
        socket: the connection.
        name: what the resource is called.
        stream: a channel of ``multiplex``; `None` for the connection itself.
        kind: a class, such as a Protocol, that declares the methods; what they return is converted.
        most: how many names of methods are kept.
    """

    def __init__(
        self,
        socket: Any,
        name: str,
        stream: Any = None,
        kind: Callable[..., Any] | None = None,
        *,
        most: int,
    ) -> None:
        self.name = name
        """What it is called."""
        self.methods: list[str] = []
        """What the server lets clients call, once it is ready."""
        self._socket: ConnectionLike = socket
        self._stream = socket if stream is None else stream
        self._prefix = f"{name}::" if stream is None else ""
        self._declared = {} if kind is None else _results(kind)
        self._events = Emitter()
        self._most = most
        self._is_ready = False
        self._waiting: list[asyncio.Future[None]] = []
        self._stream.on(f"{self._prefix}ready", self.take)
        # The end of a socket, and that it is destroyed, ends its channels.
        self._stream.on("end", self._ended)
        if stream is None:
            socket.on("destroy", self._ended)

    def __repr__(self) -> str:
        return f"<Resource {self.name}>"

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        if method.startswith("_"):  # Python asks for such names, and no server answers it
            raise AttributeError(method)
        if method in self.methods or method in self._declared:
            return partial(self.call, method)
        hint = f"it has {', '.join(self.methods)}" if self._is_ready else "await ready() first"
        raise AttributeError(f"the resource {self.name!r} has no method {method!r}: {hint}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.methods]

    @property
    def has_ended(self) -> bool:
        """Whether its channel has ended, which does not come back."""
        return self._stream is not self._socket and self._stream._is_over()

    # -- what users call

    async def ready(self, timeout: float | None = 30.0) -> list[str]:
        """Wait until the server says which methods there are.

        Args:
            timeout: in seconds; `None` for as long as the connection lasts.

        Returns:
            Their names.

        Raises:
            ResourceTimeout: it did not say so in time.
            ResourceLost: the connection ended.
        """
        if not self._is_ready:
            if self._stream._is_over():
                raise self._lost()
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                async with Within(duration("timeout", timeout), self._socket.clock):
                    await waiter
            except TimeoutError:
                raise ResourceTimeout(
                    f"the server did not say within {timeout} s that it has a resource "
                    f"{self.name!r}; both sides must agree on multiplex"
                ) from None
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
        return list(self.methods)

    async def call(self, method: str, /, *args: object, timeout: Timeout = CONFIGURED) -> Any:
        """Call a method by name, and wait for its answer.

        Args:
            method: the name.
            args: what it gets, beside the spark.
            timeout: in seconds, as for ``ask`` of the plugin ``emitter``.

        Returns:
            What it answered: `None`, a value, or a tuple of several; a declared method gives what
            it is declared to return.

        Raises:
            PrimusError: those of ``ask``: it failed or does not exist, the answer is late, or the
                connection went.
            ValidationError: the answer is not what the method is declared to return.
        """
        event = self._prefix + method
        try:
            answer = await self._stream.ask(event, *args, timeout=timeout)
        except ParserError:
            answer = await self._stream.ask(event, *plain(args), timeout=timeout)
        result = self._declared.get(method)
        return answer if result is None else result.convert(answer)

    def on(self, event: str, fn: Any = None) -> Any:
        """Add a listener to an event of the resource, such as those of ``broadcast``.

        The event ``ready(name, methods)`` comes with every connection. Without `fn`, works as a
        decorator.
        """
        if event == "ready":
            return self._events.on(event, fn)
        return self._stream.on(self._prefix + event, fn)

    def once(self, event: str, fn: Any = None) -> Any:
        """As `on`, for the next time only."""
        if event == "ready":
            return self._events.once(event, fn)
        return self._stream.once(self._prefix + event, fn)

    def off(self, event: str, fn: Callable[..., Any] | None = None) -> None:
        """Remove a listener, or all of an event."""
        if event == "ready":
            self._events.off(event, fn)
        else:
            self._stream.off(self._prefix + event, fn)

    # -- what arrives

    def take(self, names: Any = None) -> None:
        """Take what the server says of its methods."""
        self.methods = names_in(names, self._most)
        self._is_ready = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._events.emit("ready", self.name, list(self.methods))

    def _ended(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(self._lost())

    def _lost(self) -> ResourceLost:
        return ResourceLost(f"the connection ended before the resource {self.name!r} was ready")


class RemoteResources:
    """The resources of a server, as far as a client knows them.

    Args:
        most: how many names are kept of what the server announces.
        room: how many characters all that it announces over a connection may have.
    """

    def __init__(self, most: int, room: int) -> None:
        self.most = most
        """How many names are kept: of resources, and of the methods of each."""
        self.known: dict[Any, Resource] = {}
        """Those that have been asked for, by name, declaration, and whether in a channel."""
        self.announced: dict[str, list[str]] = {}
        """What the server has said, over this connection, of those that use no channel."""
        self._room = self._left = room

    def announce(self, name: str, methods: Any) -> None:
        """Keep what the server says: it may be asked for later."""
        kept = names_in(methods, self.most)
        before = _size(name, self.announced[name]) if name in self.announced else 0
        left = self._left + before - _size(name, kept)
        if left >= 0 and (before or len(self.announced) < self.most):
            self.announced[name] = kept
            self._left = left

    def clear(self) -> None:
        """Forget what the server has said, with its connection."""
        self.announced.clear()
        self._left = self._room


def _size(name: str, methods: list[str]) -> int:
    """What an announcement costs, in characters."""
    return sum(len(each) + NAME_OVERHEAD for each in (name, *methods))


def names_in(names: Any, most: int) -> list[str]:
    """The names of methods in what a server has sent, `most` of them at the most."""
    listed = names if isinstance(names, list) else []
    return [each for each in listed[:most] if isinstance(each, str)]


def _results(kind: Callable[..., Any]) -> Mapping[str, Type[Any]]:
    """What the methods that a class declares return."""
    if not isinstance(kind, type):
        raise ResourceError(f"{kind!r} must be a class that declares methods, such as a Protocol")
    results = {}
    for base in kind.__mro__:
        if base.__module__ in (Calls.__module__, "typing", "builtins"):
            continue
        for name, fn in vars(base).items():
            if inspect.isfunction(fn) and not name.startswith("_") and name not in results:
                results[name] = _result(kind, name, fn)
    return results


def _result(kind: type, name: str, fn: Callable[..., Any]) -> Type[Any]:
    try:
        declared = get_type_hints(fn, include_extras=True).get("return", Any)
        if get_origin(declared) in (Awaitable, Coroutine):
            declared = get_args(declared)[-1]
        return Type(declared)
    except (NameError, TypeError) as error:
        raise ResourceError(f"{kind.__name__}.{name}: {error}") from error
