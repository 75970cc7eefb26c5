"""`Sparks`: the connections of one server, by id."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Generic, TypeVar

from primus.callables import is_awaitable
from primus.ids import new_spark_id
from primus.server.spark import Spark

__all__ = ["Sparks"]


SparkT = TypeVar("SparkT", bound=Spark)


class Sparks(Generic[SparkT]):
    """The sparks there are now.

    Args:
        id_generator: makes ids; `None` for random ones.
        node: the name of the server, which those begin with.
        log: is told when `id_generator` gives no id.
        log_raised: is told when it raises.
    """

    def __init__(
        self,
        id_generator: Callable[[], str] | None,
        node: str,
        log: logging.Logger,
        log_raised: Callable[[str, BaseException], None],
    ) -> None:
        self._id_generator = id_generator
        self._node = node
        self._log = log
        self._log_raised = log_raised
        self._by_id: dict[str, SparkT] = {}
        self._by_key: dict[str, SparkT] = {}
        """By what their wires know them by."""
        self._empty: asyncio.Event | None = None
        """Set once the last spark has gone; made when that is waited for."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[SparkT]:
        """Iterate over the sparks there are now; they may come and go meanwhile."""
        return iter(tuple(self._by_id.values()))

    def get(self, id: str) -> SparkT | None:
        """The spark with that id, or the key of its wire; `None` when there is none."""
        return self._by_id.get(id) or self._by_key.get(id)

    def add(self, spark: SparkT, key: str | None) -> None:
        """Know a spark from now on.

        Args:
            spark: the spark.
            key: what its wire knows it by, if anything.
        """
        self._by_id[spark.id] = spark
        if key is not None:
            spark.wire_key = key
            self._by_key[key] = spark

    def remove(self, spark: Spark) -> bool:
        """Forget a spark; False when it is not known."""
        if self._by_id.pop(spark.id, None) is None:
            return False
        if spark.wire_key is not None and self._by_key.get(spark.wire_key) is spark:
            del self._by_key[spark.wire_key]
        return True

    def removed(self) -> None:
        """Wake what waits for the last spark to go; its listeners have been told."""
        if not self._by_id and self._empty is not None:
            self._empty.set()

    async def gone(self, timeout: float) -> bool:
        """Wait until no spark is left.

        Args:
            timeout: seconds to wait at most.

        Returns:
            False when some were left.
        """
        if self._by_id and timeout > 0:
            self._empty = asyncio.Event()
            try:
                await asyncio.wait_for(self._empty.wait(), timeout)
            except TimeoutError:
                return False
        return True

    def new_id(self) -> str:
        """An id that no spark of this server has."""
        if self._id_generator is not None:
            try:
                given: object = self._id_generator()
            except Exception as error:
                self._log_raised("id_generator raised; this spark gets an id of ours", error)
            else:
                if isinstance(given, str) and given and given not in self._by_id:
                    return given
                self._log.warning(
                    "id_generator gave %.100r, which is taken or no text; this spark gets an id "
                    "of ours",
                    given,
                )
        return new_spark_id(self._node)

    def for_each(self, fn: Callable[[SparkT], Any]) -> Awaitable[None] | None:
        """Call `fn` with every spark, as `Primus.for_each`."""
        if inspect.iscoroutinefunction(fn):
            return self._for_each(fn)
        for spark in self:
            result = fn(spark)
            if is_awaitable(result):
                return self._for_each(fn, spark, result)
            if result is False:
                break
        return None

    async def _for_each(
        self, fn: Callable[[SparkT], Any], first: SparkT | None = None, pending: Any = None
    ) -> None:
        visited: set[str] = set()
        if first is not None:
            visited.add(first.id)
            if await pending is False:
                return
        while waiting := [spark for spark in self if spark.id not in visited]:
            for spark in waiting:
                visited.add(spark.id)
                if spark.id in self._by_id and await fn(spark) is False:
                    return
