"""picows, as far as it is not public: its protocol object on a transport of our choice.

picows offers a server and a client that make their own connections. Ours come from an HTTP
server, so its `WSProtocol` is used directly. What of it may change is looked for at import.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final, Protocol

from picows import WSAutoPingStrategy
from picows.picows import WSProtocol  # type: ignore[attr-defined]

__all__ = ["UPGRADE", "PicowsProtocol", "PreparedResponse", "ViolationLogger", "Wire"]

UPGRADE: Final = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
"""What brings picows to answer, once we know what the answer is."""

READ_BUFFER: Final = 2048
"""What a connection has to read into at first; it grows with the messages that come."""

LARGEST_READ: Final = 64 * 1024
"""What is read at once. Without a limit the buffer grows with whatever a peer has sent."""

NO_PINGS: Final = (False, 20, 20, WSAutoPingStrategy.PING_WHEN_IDLE, False)
"""No pings of picows' own, and no pongs: one that ends a read would hide that it has ended."""

get_buffer = WSProtocol.get_buffer


class PicowsProtocol(WSProtocol):  # type: ignore[misc]
    """One WebSocket of picows, in its handshake or open.

    Args:
        factory: makes the listener, as picows' `ws_connect` and `ws_create_server` take it.
        violations: the logger that is told of them.
        max_frame: the largest frame taken, in bytes.
        client: ``Host`` header, path with query string and further headers of a client.
    """

    __slots__ = ("_violations", "wire")

    wire: asyncio.Transport
    """The transport, once there is one."""

    def __init__(
        self,
        factory: Callable[..., Any],
        violations: ViolationLogger,
        max_frame: int,
        client: tuple[str, str, Mapping[str, str]] | None = None,
    ) -> None:
        host, path, headers = client or (None, None, None)
        super().__init__(
            host,
            path,
            client is not None,
            factory,
            violations,
            True,
            None,
            *NO_PINGS,
            max_frame,
            headers,
            READ_BUFFER,
        )
        self._violations = violations

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start on a transport."""
        self.wire = transport
        super().connection_made(Wire(transport, self._violations))

    def get_buffer(self, size: int) -> memoryview:
        """Where the next read goes."""
        room: memoryview = get_buffer(self, size)
        return room if len(room) <= LARGEST_READ else room[:LARGEST_READ]

    def take(self, data: memoryview) -> memoryview:
        """Handle as much of `data` as there is room for; what is left is returned."""
        room = self.get_buffer(-1)
        size = min(len(room), len(data))
        room[:size] = data[:size]
        self.buffer_updated(size)
        return data[size:]


class Told(Protocol):
    """What is told of the end of a connection by picows."""

    def complained(self, code: int, reason: str) -> None:
        """The peer has broken the protocol: close code and reason."""

    def closed(self) -> None:
        """picows wants the transport closed."""


class ViolationLogger:
    """The logger of one connection: it tells of violations, and hardly writes any.

    picows logs an error for whatever a peer does wrong, just before it sends the close frame.
    """

    __slots__ = ("_log", "owner")

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self.owner: Told | None = None
        """The transport, once there is one."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        """Whether a level is logged: none below an error."""
        return False

    def debug(self, message: str, *args: Any) -> None:
        """Log nothing."""

    info = warning = debug

    def error(self, message: str, problem: Any = None, *args: Any) -> None:
        """Report a violation of the peer."""
        if isinstance(problem, tuple) and self.owner is not None:
            self.owner.complained(int(problem[0]), str(problem[1]))

    def exception(self, message: str, *args: Any) -> None:
        """Log an error of our own."""
        self._log.exception(message, *args)


class PreparedResponse:
    """An answer that is there already, in place of a ``WSUpgradeResponse`` of picows."""

    __slots__ = ("_text", "headers")

    status = 101

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.headers: dict[str, str] = {}
        """Where picows notes what it would answer."""

    def to_bytes(self) -> bytearray:
        """What is sent, once: picows keeps the answer as long as the connection."""
        text, self._text = self._text, b""
        self.headers.clear()
        return bytearray(text)


class Wire:
    """An asyncio transport as picows is to see it."""

    __slots__ = ("_violations", "get_write_buffer_size", "transport", "write")

    def __init__(self, transport: asyncio.Transport, violations: ViolationLogger) -> None:
        self.transport = transport
        self.write = transport.write
        self.get_write_buffer_size = transport.get_write_buffer_size
        self._violations = violations

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The socket, and whether there is TLS; addresses are wanted for the log only."""
        if name == "socket":
            return Socket(self.transport.get_extra_info(name))
        return self.transport.get_extra_info(name, default) if name == "ssl_object" else default

    def writelines(self, parts: Iterable[Any]) -> None:
        """Write a copy: picows reuses the memory of the head at once, whatever still waits."""
        self.write(b"".join(parts))

    def close(self) -> None:
        """Close in order."""
        if self._violations.owner is None:
            self.transport.close()
        else:
            self._violations.owner.closed()

    def abort(self) -> None:
        """Drop the connection."""
        self.transport.abort()


class Socket:
    """A socket without its options, which picows sets and reads one by one.

    The event loop has set ``TCP_NODELAY`` already; the others end up in the log. On some loops
    each of them costs as much as a message, and unix sockets have none of them.
    """

    __slots__ = ("fileno",)

    def __init__(self, found: Any) -> None:
        self.fileno = found.fileno

    def setsockopt(self, *option: Any) -> None:
        """Set nothing."""

    def getsockopt(self, *option: Any) -> int:
        """Nothing is set."""
        return 0


def _check() -> None:
    """Make sure that `WSProtocol` is what this module takes it for.

    Raises:
        ImportError: it is not.
    """
    log = logging.getLogger("primus.server")
    try:
        WSProtocol(None, None, False, None, log, True, None, *NO_PINGS, 1, None, READ_BUFFER)
    except RuntimeError:
        pass  # no event loop runs yet, so it got as far as to look for one
    except Exception as error:
        raise _misfit(error) from error
    missing = {"get_buffer", "buffer_updated", "wait_until_handshake_complete"} - set(
        dir(WSProtocol)
    )
    if missing:
        raise _misfit(missing)


def _misfit(problem: object) -> ImportError:
    return ImportError(
        f"picows {version('picows')} does not let connections be handed over ({problem}); "
        "install picows >= 2.3, < 2.4"
    )


_check()
