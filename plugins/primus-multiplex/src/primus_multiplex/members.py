"""`Members`: the subscriptions of one channel, by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import count
from typing import Any, Protocol, TypeVar

from primus.callables import is_awaitable
from primus.events import Listener

__all__ = ["HasId", "Members"]


class HasId(Protocol):
    """A subscription to a channel, as far as its id goes."""

    id: str


Member = TypeVar("Member", bound=HasId)


class Members(Mapping[str, Member]):
    """The subscriptions of one channel. Clients choose ids, but no id is there twice."""

    def __init__(self) -> None:
        self._by_id: dict[str, Member] = {}
        self._numbers = count(2)
        """What distinguishes ids that are taken: none is tried twice, however many are taken."""

    def __getitem__(self, id: str) -> Member:
        return self._by_id[id]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._by_id))

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def sparks(self) -> tuple[Member, ...]:
        """The subscriptions there are now."""
        return tuple(self._by_id.values())

    def free(self, id: str) -> str:
        """`id`, or, when another connection has taken it, the id with a number behind it."""
        if id not in self._by_id:
            return id
        return next(other for n in self._numbers if (other := f"{id}~{n}") not in self._by_id)

    def add(self, spark: Member) -> None:
        """Add a subscription, whose id is `free`."""
        self._by_id[spark.id] = spark

    def discard(self, spark: Member) -> bool:
        """Forget a subscription; False when it is not there."""
        if self._by_id.get(spark.id) is not spark:
            return False
        del self._by_id[spark.id]
        return True

    def for_each(self, fn: Callable[..., Any]) -> Awaitable[None] | None:
        """Call ``fn(spark, id, connections)`` for each, as `Primus.for_each`."""
        listener = Listener(fn, once=False)
        waiting = list(self._by_id.values())
        while waiting:
            spark = waiting.pop(0)
            result = listener(spark, spark.id, self)
            if is_awaitable(result):
                return self._for_each(listener, result, waiting)
            if result is False:
                break
        return None

    async def _for_each(self, listener: Listener, pending: Any, waiting: list[Member]) -> None:
        if await pending is False:
            return
        for spark in waiting:
            if self._by_id.get(spark.id) is not spark:
                continue
            result = listener(spark, spark.id, self)
            if (await result if is_awaitable(result) else result) is False:
                return
