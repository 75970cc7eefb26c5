"""The sparks of a server: how they come, go, and are written to."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

from primus.failures import Failures
from primus.heartbeat import Generation
from primus.http import Request
from primus.ids import new_spark_id
from primus.parser import encoding_failure
from primus.pipeline import is_awaitable
from primus.server.broadcast import broadcast
from primus.server.client_side import ClientSide
from primus.server.monitor import HeartbeatMonitor
from primus.server.spark import Spark
from primus.server.welcome import welcome

if TYPE_CHECKING:
    from primus.transformer import Transport

__all__ = ["Population"]


class Population(ClientSide):
    """The part of `Primus` that holds the sparks."""

    _connections: dict[str, Spark]
    _keyed: dict[str, Spark]
    _monitor: HeartbeatMonitor
    failures: Failures
    _empty: asyncio.Event | None

    @property
    def connected(self) -> int:
        """How many sparks there are."""
        return len(self._connections)

    def __len__(self) -> int:
        return len(self._connections)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Spark]:
        """Iterate over the sparks there are now; they may come and go meanwhile."""
        return iter(tuple(self._connections.values()))

    def spark(self, id: str) -> Spark | None:
        """The spark with that id, or `None`.

        It is also found by the secret that its wire knows it by: over polled engine.io a client of
        Primus for Node.js knows no other id of its own.
        """
        return self._connections.get(id) or self._keyed.get(id)

    def write(self, data: Any, *, to: Iterable[Spark] | None = None) -> None:
        """Send `data` to every spark, encoded and framed once for all of them.

        Args:
            data: the message.
            to: the sparks of this server that get it; `None` for all.

        A message that cannot be encoded is dropped and logged, and the event ``log`` tells of its
        `ParserError`; with an outgoing transform it is an ``error`` of each spark.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``; no spark gets it.
        """
        broadcast(self if to is None else to, data, self.parser, self.pipeline, self._unencodable)

    def _unencodable(self, error: Exception) -> None:
        """A message to many sparks has no frame: that is one error, and no spark's."""
        error = encoding_failure(error)
        cause = error.__cause__ or error
        is_new = self.failures.is_new(cause, self.options.clock.time())
        self.log.error("%.500s", error, exc_info=cause if is_new else None)
        self.dispatch("log", "error", error)

    @overload
    def for_each(self, fn: Callable[[Spark], Coroutine[Any, Any, Any]]) -> Awaitable[None]: ...
    @overload
    def for_each(self, fn: Callable[[Spark], Any]) -> Awaitable[None] | None: ...
    def for_each(self, fn: Callable[[Spark], Any]) -> Awaitable[None] | None:
        """Call `fn` with every spark; one that returns `False` stops the iteration.

        Returns:
            `None`, or, when `fn` is async, an awaitable; it calls `fn` for one spark after
            the other, those that connect meanwhile included.
        """
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
        self, fn: Callable[[Spark], Any], first: Spark | None = None, pending: Any = None
    ) -> None:
        visited: set[str] = set()
        if first is not None:
            visited.add(first.id)
            if await pending is False:
                return
        while waiting := [s for s in self if s.id not in visited]:
            for spark in waiting:
                visited.add(spark.id)
                if spark.id in self._connections and await fn(spark) is False:
                    return

    def accept(self, transport: Transport, request: Request, id: str | None = None) -> Spark:
        """Make a spark for a connection that has been opened.

        Args:
            transport: the wire; it does not read yet, or what it reads has not been fed yet.
            request: what it was opened with.
            id: what the wire's own protocol knows it by, if anything. That may be a secret, so it
                is never `Spark.id`; `spark` finds the spark by it as well.
        """
        spark = self.Spark(request, self._new_id(), self._generation(transport))
        self._connections[spark.id] = spark
        if id is not None:
            spark.wire_key = id
            self._keyed[id] = spark
        spark.attach(transport)
        spark.open()
        self._monitor.add(spark)
        handlers: list[Callable[..., Any]] = [*self._connection_hooks, *self._take("connection")]
        welcome(spark, iter(handlers))
        return spark

    def departed(self, spark: Spark) -> None:
        """A spark has ended."""
        if self._connections.pop(spark.id, None) is None:
            return
        if spark.wire_key is not None and self._keyed.get(spark.wire_key) is spark:
            del self._keyed[spark.wire_key]
        self._monitor.discard(spark)
        for hook in self._disconnection_hooks:
            try:
                hook(spark)
            except Exception:
                self.log.exception("a primus_disconnection hook raised for %r", spark)
        self.dispatch("disconnection", spark)
        if not self._connections and self._empty is not None:
            self._empty.set()

    def _generation(self, transport: Transport) -> Generation:
        configured = self.options.heartbeat
        return transport.generation if configured is Generation.UNKNOWN else configured

    def _new_id(self) -> str:
        """An id that no spark of this server has."""
        if self.options.id_generator is not None:
            try:
                given: object = self.options.id_generator()
            except Exception:
                self.log.exception("id_generator raised; this spark gets an id of ours")
            else:
                if isinstance(given, str) and given and given not in self._connections:
                    return given
                self.log.warning(
                    "id_generator gave %.100r, which is taken or no text; this spark gets an id "
                    "of ours",
                    given,
                )
        return new_spark_id()
