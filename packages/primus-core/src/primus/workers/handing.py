"""Handing connections over to other workers: the descriptor, and the bytes that came on it.

The kernel keeps a descriptor for the other worker until that takes it. A worker that does not is
told by its queue, which is short: then the client is refused at once, and nothing piles up.
"""

from __future__ import annotations

import array
import asyncio
import errno
import logging
import os
import socket
from contextlib import suppress
from typing import Any, Final

from primus.http import Response
from primus.tasks import spawn
from primus.workers.notes import CONNECTION, note

__all__ = ["connected", "hand_over", "refuse"]

log = logging.getLogger("primus.server")

PATIENCE: Final = 10.0
"""Seconds that the other worker gets to take what its client has sent."""


def connected(path: str) -> socket.socket:
    """A connection to another worker.

    Raises:
        OSError: it does not take any: it is not there, or does not get to it.
    """
    made = socket.socket(socket.AF_UNIX)
    try:
        made.setblocking(False)
        made.connect(path)  # a unix socket connects at once or not at all
    except BaseException:
        made.close()
        raise
    return made


def hand_over(transport: asyncio.Transport, data: bytes, path: str) -> bool:
    """Give the connection of `transport` to another worker; False when it has to stay.

    Args:
        transport: that of a client, without TLS. It is closed here.
        data: what has been read from it.
        path: where the other worker is.
    """
    if transport.get_write_buffer_size():
        return False  # its client has not taken all of the last answer, which would be cut off
    connection = transport.get_extra_info("socket")
    try:
        kept = socket.socket(fileno=os.dup(connection.fileno()))
    except OSError as error:
        log.debug("a connection was not handed over: %s", error)
        return False
    kept.setblocking(False)
    transport.pause_reading()
    transport.abort()  # the descriptor that was kept keeps the connection
    spawn(_send(kept, data, path))
    return True


async def _send(client: socket.socket, data: bytes, path: str) -> None:
    with client:
        try:
            async with asyncio.timeout(PATIENCE):
                with connected(path) as channel:
                    rest = _with_descriptor(channel, client, note(CONNECTION, {}) + data)
                    await asyncio.get_running_loop().sock_sendall(channel, rest)
        except (OSError, TimeoutError) as error:
            log.debug("a connection was not handed over: %r", error)
            refuse(client)


def _with_descriptor(channel: socket.socket, client: socket.socket, data: bytes) -> bytes:
    """Send a descriptor along with as much of `data` as is taken at once; the rest.

    Raises:
        OSError: nothing was sent; too many descriptors may be under way already.
    """
    descriptors: Any = array.array("i", [client.fileno()])
    sent = channel.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    if not sent:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return data[sent:]


def refuse(client: socket.socket) -> None:
    """Tell a client that its worker does not answer, if it is there to be told."""
    body = Response.error(503, "the worker of this session does not answer").body
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with suppress(OSError):
        client.send(head.encode() + body)
