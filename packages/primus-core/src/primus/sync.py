"""A client for code that runs no event loop: scripts, threads, synchronous web views.

    from primus.sync import connect

    with connect("http://localhost:8080") as socket:
        socket.send({"hello": "world"})
        answer = socket.recv(timeout=5)
        for message in socket:
            ...

It is the asynchronous client on an event loop of its own, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from time import monotonic
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeVar, Unpack, cast

from primus.callables import is_awaitable
from primus.client.connect import connect as open_socket
from primus.client.socket import Socket
from primus.closed import Closed
from primus.errors import PrimusError, TransportError
from primus.option_types import ClientOptions
from primus.suggestions import MEMBERS

__all__ = ["SyncSocket", "connect"]

T = TypeVar("T")

READ_AHEAD: Final = 256
"""Messages that wait to be taken before the server is not read any further."""

HERE: Final = MappingProxyType(
    {
        "write": "send(data) sends a message",
        "once": "on(event, fn) adds a listener, off(event, fn) removes it",
        "drain": "send(data) waits itself",
        "open": "a SyncSocket is open from the beginning",
        "close": "end() ends the connection",
        "destroy": "end() ends the connection",
    }
)
"""What does here what another member does of `Socket`, or of other clients."""


def connect(url: str, **options: Unpack[ClientOptions]) -> SyncSocket:
    """A socket that is open; use it in a ``with`` block, or call `SyncSocket.end`.

    Blocks until it is open. The first attempt has to succeed; a connection that is lost later is
    made again.

    Args:
        url: as for `primus.connect`.
        options: as for `primus.connect`.

    Raises:
        OptionError: the URL cannot be used, an option is unknown, or its value cannot work.
        PluginError: the server's transformer or parser is not installed.
        HandshakeError: the server refused the connection.
        ConnectTimeout: it was not open within ``timeout`` seconds.
        TransportError: the server cannot be reached.
    """
    return SyncSocket(url, cast("dict[str, Any]", options))


class SyncSocket:
    """A connection to a Primus server whose methods block. Made by `connect`.

    Several threads may use it. A message goes to one of those that wait for it. A process that is
    forked cannot use the socket of its parent: every call raises `PrimusError` there.

    Attributes and methods that plugins add to a socket are here as well, and block until they are
    done: ``socket.ask("vote", "yes?")`` of the plugin ``emitter``. The names of this class come
    first; what the plugins ``emit`` and ``emitter`` call ``emit`` and ``send`` is `emit` here.
    """

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.url = url
        """Where the server is."""
        self._process = os.getpid()
        self._messages: deque[Any] = deque()
        self._change = threading.Condition()
        self._is_over = False
        self._why = "it was ended here"
        self._error: Exception | None = None
        self._room: asyncio.Event = asyncio.Event()
        self._stopped = asyncio.Event()
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(started,), name=f"primus {url}", daemon=True
        )
        self._thread.start()
        self._loop = started.result()
        try:
            self._run(self._open(url, options))
        except BaseException:
            self._stop()
            raise
        _open.add(self)

    def __repr__(self) -> str:
        return f"<SyncSocket {self.url}>"

    # -- what users call

    def send(self, data: Any) -> bool:
        """Send a message; blocks while the server does not keep up.

        Returns:
            False when the connection has ended. While the client reconnects, the message is kept.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``.
        """

        async def sent() -> bool:
            socket = self._socket
            if not socket.write(data):
                return False
            await socket.drain()
            return True

        return self._run_unless_over(sent, False)

    def recv(self, timeout: float | None = None) -> Any:
        """The next message.

        Args:
            timeout: seconds to wait for it, 0 for what has come already; `None` waits as long as
                the connection lasts.

        Raises:
            ValueError: `timeout` is below 0, or not a number.
            TimeoutError: no message came in time. None is lost by that.
            TransportError: the connection has ended, and all its messages have been taken.
        """
        self._check_caller()
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"timeout={timeout!r}: must be seconds, 0 or more, or None")
        until = None if timeout is None else monotonic() + timeout
        with self._change:
            while not self._messages:
                if self._is_over:
                    raise TransportError(f"the connection has ended: {self._why}") from self._error
                left = None if until is None else until - monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError(f"no message came within {timeout} s")
                self._change.wait(left)
            message = self._messages.popleft()
            is_paused = len(self._messages) == READ_AHEAD // 2
        if is_paused:
            self._loop.call_soon_threadsafe(self._room.set)
        return message

    def __iter__(self) -> Iterator[Any]:
        """Every message, until the connection ends."""
        while True:
            try:
                message = self.recv()
            except TransportError:
                return
            yield message

    def emit(self, event: str, /, *args: Any) -> bool:
        """Send an event, with the plugin ``emit`` or ``emitter``.

        Returns:
            False when the connection has ended.

        Raises:
            PrimusError: neither plugin is in use.
        """

        async def sent() -> bool:
            socket: Any = self._socket
            name = next((each for each in ("emit", "send") if self._is_added(each)), None)
            if name is None:
                raise PrimusError(
                    f'emit({event!r}) needs a plugin: connect(…, plugin="emit") or "emitter"'
                )
            return bool(getattr(socket, name)(event, *args))

        return self._run_unless_over(sent, False)

    def on(self, event: str, fn: Callable[..., Any]) -> None:
        """Call `fn` when an event of `primus.Socket`, or of a plugin, happens.

        It runs in the client's own thread, so it must not block, nor call what blocks here.
        Messages go to `recv`, so there are no listeners of ``data``.

        Raises:
            PrimusError: `event` is ``data``.
        """
        if event == "data":
            raise PrimusError("messages go to recv(), not to listeners of 'data'")
        self._run_plain(lambda: self._socket.on(event, fn))

    def off(self, event: str, fn: Callable[..., Any]) -> None:
        """Remove a listener."""
        self._run_plain(lambda: self._socket.off(event, fn))

    def id(self) -> str:
        """The id that this connection has on the server.

        Raises:
            TransportError: the connection has ended.
        """
        return self._run(self._socket.id())

    @property
    def latency(self) -> float:
        """The last round trip to the server, in seconds; 0 before the first."""
        return self._socket.latency

    @property
    def online(self) -> bool:
        """Whether the machine is believed to have a network."""
        return self._socket.online

    @property
    def closed(self) -> Closed | None:
        """Why the connection has ended; `None` while it is open."""
        return self._socket.closed

    @property
    def ready_state(self) -> int:
        """``OPENING``, ``OPEN`` or ``CLOSED`` of `primus.Socket`."""
        return self._socket.ready_state

    def end(self, data: Any = None) -> None:
        """End the connection for good; what was sent before still arrives.

        What has come and was not taken yet can still be taken. Calling it again does nothing.

        Args:
            data: a last message; `None` for none.
        """
        self._check_caller()
        if not self._thread.is_alive():
            return

        async def ended() -> None:
            self._room.set()
            self._socket.end(data)
            await self._socket.wait_closed()

        try:
            self._run(ended())
        finally:
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def __getattr__(self, name: str) -> Any:
        """What a plugin adds to sockets; a function of it blocks until it is done."""
        if name.startswith("_") or not self._is_added(name):
            hint = HERE.get(name, "no plugin in use adds it")
            if plugin := MEMBERS["Socket"].get(name):
                hint += f": connect(…, plugin={plugin!r})"
            raise AttributeError(f"a SyncSocket has no {name!r}: {hint}")
        value = getattr(self._socket, name)
        if not callable(value):
            return value

        def blocking(*args: Any, **named: Any) -> Any:
            async def called() -> Any:
                result = value(*args, **named)
                return await result if is_awaitable(result) else result

            return self._run(called())

        return blocking

    # -- on the loop

    def _serve(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        """Run the loop until the socket is done with; the runner ends what is left on it."""
        with asyncio.Runner() as runner:
            started.set_result(runner.get_loop())
            runner.run(self._stopped.wait())

    async def _open(self, url: str, options: dict[str, Any]) -> None:
        # Set here: messages and the end may come before the thread that waits for this goes on.
        self._socket: Socket = await open_socket(url, **options)
        self._socket.on("data", self._arrived)
        self._socket.on("error", self._failed)
        self._socket.on("end", self._ended)
        if self._socket.ready_state == Socket.CLOSED:
            self._ended()

    def _arrived(self, message: Any) -> Awaitable[None] | None:
        """Keep a message for `recv`; with too many, the connection is not read further."""
        with self._change:
            self._messages.append(message)
            self._change.notify()
            is_full = len(self._messages) >= READ_AHEAD
        return self._taken() if is_full else None

    async def _taken(self) -> None:
        while len(self._messages) > READ_AHEAD // 2 and self._socket.ready_state == Socket.OPEN:
            self._room.clear()
            await self._room.wait()

    def _failed(self, error: Exception) -> None:
        self._error = error

    def _ended(self) -> None:
        with self._change:
            if not self._is_over and self._socket.closed is not None:
                self._why = self._socket.closed.reason
            self._is_over = True
            self._change.notify_all()

    def _is_added(self, name: str) -> bool:
        added = getattr(type(self._socket), name, None)
        return added is not None and added is not getattr(Socket, name, None)

    # -- between the threads

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run on the loop, and wait; an interrupt of the waiting thread cancels it."""
        try:
            self._check_caller()
            if self._loop.is_closed():
                raise TransportError("the connection has ended")
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except BaseException:
            coroutine.close()
            raise
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _run_plain(self, fn: Callable[[], Any]) -> None:
        async def run() -> None:
            fn()

        self._run(run())

    def _run_unless_over(self, make: Callable[[], Coroutine[Any, Any, T]], otherwise: T) -> T:
        self._check_caller()
        return self._run(make()) if self._thread.is_alive() else otherwise

    def _check_caller(self) -> None:
        if os.getpid() != self._process:
            raise PrimusError(
                "this socket was made before the process forked: connect again in the child"
            )
        if threading.current_thread() is self._thread:
            raise PrimusError(
                "a listener runs in the client's own thread, and must not call what blocks"
            )

    def _stop(self) -> None:
        """Stop the loop, and wait for its thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        _open.discard(self)


_open: weakref.WeakSet[SyncSocket] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """End what a script has left open, so that what it sent arrives."""
    for socket in list(_open):
        if socket._process == os.getpid():
            socket.end()
