"""The interface of adapters, which keep the members of rooms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Collection, Sequence
from functools import partial
from typing import ClassVar, TypeAlias, TypeVar, cast

from primus_rooms.waiting import each

__all__ = ["Adapter", "Maybe", "Members", "at_once"]

Result = TypeVar("Result")

Maybe: TypeAlias = Result | Awaitable[Result]
Members: TypeAlias = list[str] | dict[str, list[str]]
"""Ids of sparks; of several rooms, a list for each by its name."""


def at_once(answer: Maybe[Result]) -> Result:
    """An answer, for type checkers: that of an adapter which does not wait.

    With an adapter that waits it is an awaitable, as `primus_rooms.awaited` declares.
    """
    return cast("Result", answer)


"""A result, or an awaitable of it: an adapter that needs to wait returns the second."""


class Adapter(ABC):
    """Keeps the members of rooms. Rooms and sparks are texts: names and ids.

    Each method returns its result, or an awaitable of it. What is awaited happens in the order
    in which it was asked for, as far as a caller could notice.
    """

    wildcards: ClassVar[bool] = False
    """Whether ``wildcard=True`` is understood; if not, it is not passed."""

    forwards: bool = False
    """Whether it knows the members of other servers, which are reached by ``primus.forward``."""

    @property
    def own(self) -> Adapter | None:
        """The rooms with the sparks of this server alone, which has its answers at once.

        `None` for an adapter that does not keep them apart: then it is asked before each message.
        """
        return None

    def has(self, id: str) -> bool:
        """Whether a spark is in any room; asked of `own`, which has its answers at once."""
        return bool(self.rooms(id))

    def stays_here(self) -> None:
        """A message is written to the sparks of this server only, though it was not said to be."""

    def join(self, id: str, rooms: Sequence[str], *, wildcard: bool = False) -> Maybe[object]:
        """Add a spark to rooms, one after the other."""
        adding = [partial(self.add, id, r, wildcard=wildcard and "*" in r) for r in rooms]
        return cast("Maybe[object]", each(adding))

    def leave(self, id: str, rooms: Sequence[str], *, wildcard: bool = False) -> Maybe[object]:
        """Take a spark out of rooms, one after the other."""
        removing = [partial(self.remove, id, r, wildcard=wildcard and "*" in r) for r in rooms]
        return cast("Maybe[object]", each(removing))

    @abstractmethod
    def add(self, id: str, room: str, *, wildcard: bool = False) -> Maybe[None]:
        """Add a spark to a room; with `wildcard`, to all that the name fits."""

    @abstractmethod
    def remove(self, id: str, room: str, *, wildcard: bool = False) -> Maybe[None]:
        """Take a spark out of a room; with `wildcard`, of all that the name fits."""

    @abstractmethod
    def remove_all(self, id: str) -> Maybe[list[str]]:
        """Take a spark out of all its rooms, and tell which those were."""

    @abstractmethod
    def rooms(self, id: str | None = None) -> Maybe[list[str]]:
        """The rooms that a spark is in, or all there are."""

    @abstractmethod
    def clients(self, room: str) -> Maybe[list[str]]:
        """The ids of those that have joined the room by this name."""

    @abstractmethod
    def members(self, rooms: Sequence[str] | None) -> Maybe[Collection[str]]:
        """The ids that a message to these rooms is for, each once; `None` for any room."""

    @abstractmethod
    def is_empty(self, room: str) -> Maybe[bool]:
        """Whether the room is empty."""

    @abstractmethod
    def empty(self, rooms: Sequence[str]) -> Maybe[None]:
        """Empty these rooms."""

    @abstractmethod
    def clear(self) -> Maybe[None]:
        """Empty every room."""

    async def close(self) -> None:
        """Let go of what the adapter has opened by itself."""
