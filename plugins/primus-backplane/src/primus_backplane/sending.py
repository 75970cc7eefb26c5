"""Messages on their way to other servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from primus.server.broadcast import Encoded

__all__ = ["Outgoing", "RemoteSpark", "Sending"]

Result = TypeVar("Result")


class Sending(Protocol):
    """What of `Backplane` is used here."""

    def send_ordered(self, shard: int, number: int, deliver: Callable[[], object]) -> None:
        """Deliver a message here when it comes back."""

    def post_on(
        self, shard: int, kind: str, head: Mapping[str, Any], parser: str, frame: str | bytes
    ) -> int:
        """Post a message on a shard; its number."""

    async def write_to(self, ids: Any, data: Any) -> bool | None:
        """Send a message to sparks, wherever they are."""

    @property
    def ordered(self) -> bool:
        """Whether all servers deliver in one order, unless a write says otherwise."""


class Outgoing:
    """A message for all servers, encoded once; `send` sends it."""

    __slots__ = ("_backplane", "_frame", "_head", "_kind", "_parser", "_shard", "message")

    def __init__(
        self,
        backplane: Sending,
        message: Encoded,
        kind: str,
        head: Mapping[str, Any],
        parser: str,
        frame: str | bytes,
        shard: int,
    ) -> None:
        self._backplane = backplane
        self.message = message
        """What ``primus.write`` takes, without encoding it again."""
        self._kind = kind
        self._head = head
        self._parser = parser
        self._frame = frame
        self._shard = shard

    def send(
        self, here: Callable[[], Result], ordered: bool | None = None, other: Result | None = None
    ) -> Result | None:
        """Send it.

        Args:
            here: delivers it to the sparks of this server.
            ordered: whether that happens when it comes back from the bus; `None` for what the
                options say. Else it happens now.
            other: what an ordered one gives.

        Returns:
            What `here` returns.

        Raises:
            TooLargeError: with its address it is too long; nothing was delivered.
        """
        backplane = self._backplane
        if backplane.ordered if ordered is None else ordered:
            backplane.send_ordered(*self.post(), here)
            return other
        self.post()
        return here()

    def post(self) -> tuple[int, int]:
        """Send it to the other servers; its shard, and its number there.

        Raises:
            TooLargeError: with its address it is too long.
        """
        shard, frame = self._shard, self._frame
        number = self._backplane.post_on(shard, self._kind, self._head, self._parser, frame)
        return shard, number


class RemoteSpark:
    """A spark by its id, at whichever server it is.

    Args:
        backplane: what reaches it.
        id: its id.
    """

    __slots__ = ("_backplane", "id")

    def __init__(self, backplane: Sending, id: str) -> None:
        self._backplane = backplane
        self.id = id

    def __repr__(self) -> str:
        return f"<RemoteSpark {self.id}>"

    async def write(self, data: Any) -> bool | None:
        """Send a message to it.

        Returns:
            False when there is no server of the name that the id begins with, or the spark has
            left this server; `None` when the id names no server, and all were asked.

        Raises:
            ControlTextError: it is text that peers obey.
            ParserError: the parser has no form for it.
            TooLargeError: it is longer than ``max_length``.
            BusError: the bus did not answer in time.
        """
        return await self._backplane.write_to([self.id], data)
