"""`Received` and `Sent`: one event of a contract, and what each side does with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from primus import to_builtins
from primus.callables import bounds, is_awaitable, obstacle
from primus.schema import Type

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["Received", "Sent", "answering", "plain"]

Answer = TypeVar("Answer")
Payload = TypeVar("Payload")
Result = TypeVar("Result")

PLAIN = (str, int, float, bool, bytes, type(None))


class Sends(Protocol):
    """What events are sent with: a Primus, a spark, a socket, or rooms; of the plugin emitter."""

    def send(self, event: str, /, *args: Any) -> Any:
        """Send an event."""


class Asks(Protocol):
    """What events are asked with: a spark or a socket; of the plugin emitter."""

    async def ask(self, event: str, /, *args: Any, timeout: Any = ...) -> Any:
        """Send an event, and wait for its answer."""


class Received(Generic[Payload, Answer]):
    """An event that clients send.

    Args:
        name: what it is called.
        payload: the type of its one argument.
        answer: the type of what a handler returns, which acknowledges it; `None` for nothing.
        description: what it means, for the document and the editor.

    Raises:
        TypeError: values of peers cannot be checked against a type.
    """

    @overload
    def __init__(
        self: Received[Payload, None],
        name: str,
        payload: type[Payload],
        *,
        answer: None = None,
        description: str = "",
    ) -> None: ...
    @overload
    def __init__(
        self, name: str, payload: type[Payload], *, answer: type[Answer], description: str = ""
    ) -> None: ...
    def __init__(
        self, name: str, payload: Any, *, answer: Any = None, description: str = ""
    ) -> None:
        self.name = name
        self.payload: Type[Payload] = Type(payload)
        self.answer: Type[Answer] | None = None if answer is None else Type(answer)
        self.description = description

    def __repr__(self) -> str:
        return f"Received({self.name!r})"

    def send(self, target: Sends, payload: Payload) -> Any:
        """Send it, as a client.

        Returns:
            What ``send`` returns.
        """
        return target.send(self.name, plain(payload))

    async def ask(self, target: Asks, payload: Payload, *, timeout: float = 30.0) -> Answer:
        """Send it, as a client, and wait for the answer of the handler.

        Args:
            target: the socket.
            payload: the argument.
            timeout: seconds that the answer may take.

        Raises:
            ValidationError: the answer is not of the type that is declared.
            Exception: whatever ``ask`` raises.
        """
        answered = await target.ask(self.name, plain(payload), timeout=timeout)
        converted: Any = None if self.answer is None else self.answer.convert(answered)
        return converted  # type: ignore[no-any-return]


class Sent(Generic[Payload]):
    """An event that the server sends.

    Args:
        name: what it is called.
        payload: the type of its one argument.
        description: what it means, for the document and the editor.

    Raises:
        TypeError: values cannot be checked against the type.
    """

    def __init__(self, name: str, payload: type[Payload], *, description: str = "") -> None:
        self.name = name
        self.payload: Type[Payload] = Type(payload)
        self.description = description

    def __repr__(self) -> str:
        return f"Sent({self.name!r})"

    def send(self, target: Sends, payload: Payload) -> Any:
        """Send it to a spark, to rooms, or to every spark of a Primus.

        Returns:
            What ``send`` returns.
        """
        return target.send(self.name, plain(payload))

    def on(
        self, socket: Socket
    ) -> Callable[[Callable[[Payload], Result]], Callable[[Payload], Result]]:
        """Listen to it, as a client; a decorator.

        The listener gets the payload; a value that is none is reported as an error of the listener.
        """

        def add(fn: Callable[[Payload], Result]) -> Callable[[Payload], Result]:
            socket.on(self.name, lambda value: fn(self.payload.convert(value)))
            return fn

        return add


def plain(value: Any) -> Any:
    """A value as what every parser writes: texts, numbers, lists and dictionaries."""
    if isinstance(value, PLAIN) and type(value) in PLAIN:
        return value
    if isinstance(value, dict):
        return {_key(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return plain(to_builtins(value))


def _key(name: Any) -> Any:
    return name if isinstance(name, str) else plain(name)


def answering(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A handler, with what it returns as what every parser writes.

    Raises:
        TypeError: it is not callable, or not with a spark and a payload.
    """
    if not callable(fn):
        raise TypeError(f"a handler must be callable, not {fn!r}")
    least, most = bounds(fn)
    if (why := obstacle(fn, least, 2)) is not None:
        raise TypeError(f"{fn!r} cannot be called with a spark and a payload: {why}")
    taken = min(2, most)

    def handle(spark: Any, payload: Any) -> Any:
        result = fn(*(spark, payload)[:taken])
        return _later(result) if is_awaitable(result) else plain(result)

    async def _later(pending: Awaitable[Any]) -> Any:
        return plain(await pending)

    return handle
