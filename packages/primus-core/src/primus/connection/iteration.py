"""`Iterations`: ``async for`` over the messages of a connection, instead of a listener."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

from primus.connection.messages import Message, Messages
from primus.events import Listener

__all__ = ["Iterated", "Iteration", "Iterations"]


class Iterated(Protocol):
    """A connection whose messages are iterated over."""

    def on(self, event: str, fn: Callable[..., Any], /) -> Any:
        """As `Emitter.on`."""

    def off(self, event: str, fn: Callable[..., Any], /) -> None:
        """As `Emitter.off`."""

    def _kept(self) -> Iterable[Message]:
        """Messages that have been kept for an iteration."""

    def _is_over(self) -> bool:
        """Whether no message will come any more."""

    def _replay(self, listener: Listener, messages: list[Message]) -> None:
        """Bring messages that have been kept to a listener, before those that follow."""


class Iterations:
    """The messages of a connection that wait to be iterated over, and the iterations that run.

    Args:
        owner: the connection. From the first iteration on its messages wait to be taken.
    """

    __slots__ = ("_owner", "messages", "running")

    def __init__(self, owner: Iterated) -> None:
        self._owner = owner
        self.messages: Messages | None = None
        """What waits to be taken; `None` while listeners get the messages."""
        self.running = 0
        """How many iterations have begun and may go on."""

    def begin(self) -> Messages:
        """Let messages wait to be taken from now on; gives those that do."""
        if self.messages is None:
            self.messages = Messages(self._owner._kept())
            if self._owner._is_over():
                self.messages.finish()
            self._owner.on("data", self.messages.put)
        return self.messages

    def give_way(self, listener: Listener) -> None:
        """Note a new listener of ``data``.

        It gets the messages that wait for an iteration which does not go on.
        """
        messages = self.messages
        if messages is None or listener.fn == messages.put:
            return
        if messages.is_awaited or self.running:
            return
        if not listener.once:
            self._stop(messages)
        self._owner._replay(listener, messages.take(1 if listener.once else None))

    def finish(self) -> None:
        """End the iterations, once they have taken what is queued."""
        if self.messages is not None:
            self.messages.finish()

    def renew(self) -> None:
        """Let the next iteration begin anew, after a finished one."""
        if self.messages is not None and self.messages.is_finished:
            self._stop(self.messages)

    def _stop(self, messages: Messages) -> None:
        self._owner.off("data", messages.put)
        self.messages = None


class Iteration:
    """One ``async for`` over the messages of a connection; it is over when it is let go of."""

    def __init__(self, connection: Any, iterations: Iterations) -> None:
        self._connection = connection
        self._iterations = iterations
        iterations.running += 1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._connection.__anext__()

    def __del__(self) -> None:
        self._iterations.running -= 1
