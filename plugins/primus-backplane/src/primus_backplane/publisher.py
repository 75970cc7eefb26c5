"""Publishers: processes that are no servers and write to the sparks of all of them.

    from primus_backplane import Publisher

    with Publisher("redis://localhost") as publisher:
        publisher.write({"news": "to all"})

`Publisher` is for code without an event loop: tasks of Celery, WSGI views, cron jobs, scripts.
`AsyncPublisher` is the same for code with one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

from primus import OptionError, Parser
from primus.ids import new_node, node_of
from primus.registry import parser_named
from primus.server.broadcast import encoded_once
from primus_backplane.bus import Bus, Node, Settings
from primus_backplane.engines import bus_of
from primus_backplane.envelope import EMPTY, Writer, sealed
from primus_backplane.errors import BusError, TooLargeError
from primus_backplane.options import namespace_of, shards_of
from primus_backplane.shards import shard_of

__all__ = ["AsyncPublisher", "Publisher"]

Result = TypeVar("Result")
Names = str | Iterable[str]

MIB: Final = 1 << 20


class AsyncPublisher:
    """Writes to the sparks of all servers on a bus; use it in an ``async with`` block, or `close`.

    It opens with the first message. Every method returns once the bus has the message.

    Args:
        bus: the option ``backplane`` of the servers.
        namespace: their option ``backplane_namespace``.
        parser: what encodes: best their own, by name or as an object, so that they need not encode
            again.
        shards: their option ``backplane_shards``.
        max_length: their option ``max_length``.

    Raises:
        OptionError: an option cannot be used.
        PluginError: the bus or the parser is not installed.
    """

    def __init__(
        self,
        bus: str | Bus = "memory:",
        *,
        namespace: str = "primus",
        parser: str | Parser = "json",
        shards: int = 1,
        max_length: int = MIB,
    ) -> None:
        self._bus = bus_of(bus)
        self._parser_name, self._parser = parser_named(parser)
        self._settings = Settings(namespace=namespace_of(namespace), shards=shards_of(shards))
        self._max_length = max_length
        self._writer = Writer(f"pub_{new_node()}", uuid4().hex[:16])
        self._posted = [0] * shards
        self._told = 0
        self._opening: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<AsyncPublisher on {self._bus!r}>"

    async def __aenter__(self) -> Self:
        """Open the bus."""
        await self._opened()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def write(self, data: Any) -> None:
        """Send a message to every spark of every server.

        Raises:
            ControlTextError: it is text that peers obey.
            ParserError: the parser has no form for it.
            TooLargeError: it is longer than ``max_length``.
            BusError: the bus has not taken it in time; it may arrive all the same.
        """
        await self._post("all", EMPTY, data, "")

    async def write_to_rooms(self, rooms: Names, data: Any, except_: Iterable[str] = ()) -> None:
        """Send a message to rooms of all servers; as `write`.

        Args:
            rooms: names with spaces between, or a list of names, which may hold spaces.
            data: the message.
            except_: the ids of sparks that do not get it.
        """
        given = rooms.split(" ") if isinstance(rooms, str) else rooms
        names = list(dict.fromkeys(name for name in given if name))
        if not names or not all(isinstance(name, str) for name in names):
            raise OptionError(f"rooms={rooms!r}: must be names")
        head: dict[str, Any] = {"rooms": names}
        if without := sorted(except_):
            head["except"] = without
        await self._post("rooms", head, data, names[0])

    async def write_to_spark(self, id: str, data: Any) -> bool | None:
        """Send a message to a spark, at whichever server it is; as `write`.

        Returns:
            Whether there is a server of the name that the id begins with; `None` when it names
            none, and all servers look for it.
        """
        node, head = node_of(id), {"ids": [id]}
        if not node:
            await self._post("sparks", head, data, "")
            return None
        await self._opened()
        self._told += 1
        envelope = self._sealed(self._told, "sparks", head, data)
        try:
            async with asyncio.timeout(self._settings.limits.flush_timeout):
                return await self._bus.tell(node, envelope)
        except TimeoutError:
            raise BusError(f"{self._bus!r} did not answer in time") from None

    def room(self, rooms: Names, except_: Iterable[str] = ()) -> _AsyncRoom:
        """Rooms to write to: ``await publisher.room("news").write(data)``."""
        return _AsyncRoom(self, rooms, tuple(except_))

    def spark(self, id: str) -> _AsyncSpark:
        """A spark to write to: ``await publisher.spark(id).write(data)``."""
        return _AsyncSpark(self, id)

    async def close(self) -> None:
        """Leave the bus."""
        if self._opening is not None:
            await self._opening
            self._opening = None
            await self._bus.close()

    # -- inside

    async def _opened(self) -> None:
        if self._opening is None:
            node = Node(*self._writer)
            self._opening = asyncio.ensure_future(self._bus.open(node, None, self._settings))
        await asyncio.shield(self._opening)

    async def _post(self, kind: str, head: Mapping[str, Any], data: Any, key: str) -> None:
        await self._opened()
        shard = shard_of(key, self._settings.shards)
        envelope = self._sealed(self._posted[shard] + 1, kind, head, data)
        self._posted[shard] += 1
        self._bus.post(shard, envelope)
        await self._bus.flush()

    def _sealed(self, number: int, kind: str, head: Mapping[str, Any], data: Any) -> bytes:
        frame = encoded_once(data, self._parser).frame
        if frame is None:
            raise OptionError(f"parser={self._parser_name!r}: a publisher needs none that is async")
        envelope = sealed(self._writer, number, kind, head, self._parser_name, frame)
        if len(envelope) > self._max_length:
            raise TooLargeError(
                f"a message of {len(envelope)} bytes is too long for the bus: "
                f"max_length={self._max_length}"
            )
        self._bus.check(envelope)
        return envelope


class _AsyncRoom:
    def __init__(self, publisher: AsyncPublisher, rooms: Names, without: Iterable[str]) -> None:
        self._publisher = publisher
        self._rooms = rooms
        self._without = without

    async def write(self, data: Any) -> None:
        """As `AsyncPublisher.write_to_rooms`."""
        await self._publisher.write_to_rooms(self._rooms, data, self._without)


class _AsyncSpark:
    def __init__(self, publisher: AsyncPublisher, id: str) -> None:
        self._publisher = publisher
        self._id = id

    async def write(self, data: Any) -> bool | None:
        """As `AsyncPublisher.write_to_spark`."""
        return await self._publisher.write_to_spark(self._id, data)


class Publisher:
    """As `AsyncPublisher`, for code without an event loop: every method blocks.

    Several threads may use it. A process that is forked opens a bus of its own with its first
    message, so a publisher may be made before a server of WSGI or Celery forks.

    Args:
        url: the option ``backplane`` of the servers.
        options: as for `AsyncPublisher`.

    Raises:
        OptionError: an option cannot be used.
        PluginError: the bus or the parser is not installed.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        self._options = options
        self._lock = threading.Lock()
        self._process = 0
        self._thread: threading.Thread | None = None
        AsyncPublisher(url, **options)  # says at once what cannot be used

    def __repr__(self) -> str:
        return f"<Publisher on {self._url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, data: Any) -> None:
        """Send a message to every spark of every server; see `AsyncPublisher.write`."""
        self._run(lambda inner: inner.write(data))

    def write_to_rooms(self, rooms: Names, data: Any, except_: Iterable[str] = ()) -> None:
        """Send a message to rooms of all servers; see `AsyncPublisher.write_to_rooms`."""
        self._run(lambda inner: inner.write_to_rooms(rooms, data, except_))

    def write_to_spark(self, id: str, data: Any) -> bool | None:
        """Send a message to a spark; see `AsyncPublisher.write_to_spark`."""
        return self._run(lambda inner: inner.write_to_spark(id, data))

    def room(self, rooms: Names, except_: Iterable[str] = ()) -> _Room:
        """Rooms to write to: ``publisher.room("news").write(data)``."""
        return _Room(self, rooms, tuple(except_))

    def spark(self, id: str) -> _Spark:
        """A spark to write to: ``publisher.spark(id).write(data)``."""
        return _Spark(self, id)

    def close(self) -> None:
        """Leave the bus; a later message opens it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None and self._process == os.getpid():
                self._loop.call_soon_threadsafe(self._stop.set)
                thread.join()

    # -- inside

    def _run(self, work: Callable[[AsyncPublisher], Coroutine[Any, Any, Result]]) -> Result:
        if self._process not in (0, os.getpid()):  # the lock may be that of a thread left behind
            self._lock, self._thread = threading.Lock(), None
        with self._lock:
            if self._thread is None:
                self._start()
            future = asyncio.run_coroutine_threadsafe(work(self._inner), self._loop)
        return future.result()

    def _start(self) -> None:
        self._process = os.getpid()
        self._stop = asyncio.Event()
        self._inner = AsyncPublisher(self._url, **self._options)
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(started,), name=repr(self), daemon=True
        )
        self._thread.start()
        self._loop = started.result()

    def _serve(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        async def serve() -> None:
            started.set_result(asyncio.get_running_loop())
            await self._stop.wait()
            await self._inner.close()

        asyncio.run(serve())


class _Room:
    def __init__(self, publisher: Publisher, rooms: Names, without: Iterable[str]) -> None:
        self._publisher = publisher
        self._rooms = rooms
        self._without = without

    def write(self, data: Any) -> None:
        """As `Publisher.write_to_rooms`."""
        self._publisher.write_to_rooms(self._rooms, data, self._without)


class _Spark:
    def __init__(self, publisher: Publisher, id: str) -> None:
        self._publisher = publisher
        self._id = id

    def write(self, data: Any) -> bool | None:
        """As `Publisher.write_to_spark`."""
        return self._publisher.write_to_spark(self._id, data)
