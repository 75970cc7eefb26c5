"""Where a worker takes in what others have been sent for its sessions."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

from multidict import CIMultiDict, CIMultiDictProxy

from primus.contracts import Server
from primus.http import Address, HandOver, Request, Response, closing
from primus.server.answer_heads import AnswerHeads
from primus.server.hosts.transports import taken
from primus.tasks import spawn
from primus.workers.handing import refuse
from primus.workers.notes import CONNECTION, REQUEST, read_note
from primus.workers.relaying import END, LINE, frame, frames

__all__ = ["Hatch", "RelayedRequest"]

log = logging.getLogger("primus.server")

BACKLOG: Final = 1024
"""Connections and requests that wait for a worker that is busy; more are refused."""
PATIENCE: Final = 10.0
"""Seconds that the other worker gets to send what it has read from a client."""
READ: Final = 1 << 16
MOST_READ: Final = 1 << 20
"""Bytes that another worker can have read from a client before it handed it over."""

Adopt = Callable[[socket.socket, bytes], Awaitable[None]]


class Hatch:
    """Listens at a unix socket that other workers of the same user connect to.

    Args:
        primus: what answers.
        path: where it listens, in a folder that is this user's alone.
        adopt: serves a connection from which some bytes have been read.
    """

    def __init__(self, primus: Server, path: str, adopt: Adopt) -> None:
        self._primus = primus
        self._path = path
        self._adopt = adopt
        self._loop = asyncio.get_running_loop()
        self._listener = socket.socket(socket.AF_UNIX)
        self._taking: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to listen.

        Raises:
            OSError: it cannot listen there.
        """
        self._listener.setblocking(False)
        self._listener.bind(self._path)
        Path(self._path).chmod(0o600)
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Listen no longer; what has been taken in goes on."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for task in self._taking:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(self._primus.limits.accepted_per_turn):
            try:
                channel, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.debug("nothing was taken in: %s", error)
                return
            self._begin(channel)

    def _begin(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        if not _is_ours(channel):
            log.warning("%s: another user has tried to connect", self._path)
            channel.close()
            return
        task = self._loop.create_task(self._take(channel))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _take(self, channel: socket.socket) -> None:
        """Take in a connection or a request."""
        clients: list[socket.socket] = []
        is_kept = False
        try:
            async with asyncio.timeout(PATIENCE):
                await _readable(self._loop, channel)
                data, descriptors, _, _ = socket.recv_fds(channel, READ, 1)
                clients = [socket.socket(fileno=number) for number in descriptors]
                if data[:1] == CONNECTION and clients:
                    early = await self._rest(channel, data)
                    await self._adopt(clients.pop(), early)
                elif data[:1] == REQUEST and not clients:
                    is_kept = True
                    await self._loop.connect_accepted_socket(
                        lambda: RelayedRequest(self._primus, data), channel
                    )
        except (OSError, ValueError, TimeoutError) as error:
            log.debug("nothing was taken in: %r", error)
        finally:
            if not is_kept:
                channel.close()
            for client in clients:
                refuse(client)
                client.close()

    async def _rest(self, channel: socket.socket, data: bytes) -> bytes:
        """What has been read from a client.

        Raises:
            ValueError: it is too much, or is no note.
        """
        received = bytearray(data)
        while data := await self._loop.sock_recv(channel, READ):
            received += data
            if len(received) > MOST_READ:
                raise ValueError("another worker has read too much from a client")
        line, newline, early = bytes(received).partition(b"\n")
        read_note(line)
        return early if newline else b""


async def _readable(loop: asyncio.AbstractEventLoop, channel: socket.socket) -> None:
    """Wait until something has come."""
    come = asyncio.Event()
    loop.add_reader(channel, come.set)
    try:
        await come.wait()
    finally:
        loop.remove_reader(channel)


def _is_ours(channel: socket.socket) -> bool:
    """Whether the other end is of the same user, where the system tells."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, user, _ = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, option, 12))
    return bool(user == os.geteuid())


class RelayedRequest(asyncio.StreamReaderProtocol):
    """A request that another worker passes on.

    Args:
        primus: what answers it.
        data: what has been read of it.
    """

    def __init__(self, primus: Server, data: bytes) -> None:
        self._reader = asyncio.StreamReader(LINE)
        super().__init__(self._reader)
        self._primus = primus
        self._data = data
        self._head: bytearray | None = bytearray()
        """What has come of its head; `None` once that is whole."""
        self._is_upgrade = False
        self._early = b""
        self._gone: Callable[[], None] | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on with what has been read."""
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", transport)
        self.data_received(self._data)
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Keep the head until it is whole; what follows is the body, or a WebSocket."""
        if self._head is not None:
            self._head += data
            if b"\n" in self._head:
                line, _, rest = bytes(self._head).partition(b"\n")
                self._head = None
                self._begin(line, rest)
            elif len(self._head) > LINE:
                self.transport.abort()
        elif self._is_upgrade:
            self._early += data
            self.transport.pause_reading()
        else:
            super().data_received(data)

    def pause_writing(self) -> None:
        """See whether the other worker takes anything at all: its client may be slow."""
        self._primus.writes.add(self.transport)
        super().pause_writing()

    def eof_received(self) -> bool:
        """Close: the client has gone."""
        super().eof_received()
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the client has gone."""
        super().connection_lost(exc)
        self._primus.writes.discard(self.transport)
        self._leave()

    def _leave(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    def _begin(self, line: bytes, rest: bytes) -> None:
        try:
            told = read_note(line)
            self._is_upgrade = bool(told["upgrade"])
            request = self._request(told)
        except (ValueError, KeyError, TypeError) as error:
            log.debug("nothing was taken in: %r", error)
            self.transport.abort()
            return
        if self._is_upgrade:
            self._early = rest
            spawn(self._upgrade(request))
        else:
            if rest:
                super().data_received(rest)
            spawn(self._answer(request, is_sure=bool(told["is_sure"])))

    def _request(self, told: dict[str, Any]) -> Request:
        ip, port = told["address"]
        upgrade = self._is_upgrade
        return Request(
            told["method"],
            told["target"],
            CIMultiDictProxy(CIMultiDict((name, value) for name, value in told["headers"])),
            address=Address(ip, port),
            secure=told["secure"],
            body=None if upgrade else self._body,
            detach=self._detach if upgrade else None,
            watch=None if upgrade else self._watch,
            drop=self.transport.abort,
            native=self,
        )

    def _body(self) -> AsyncIterator[bytes]:
        return frames(self._reader)

    def _watch(self, fn: Callable[[], None]) -> None:
        if self.transport.is_closing():
            fn()
        else:
            self._gone = fn

    def _detach(self) -> HandOver:
        return taken(self.transport, self._early)

    async def _upgrade(self, request: Request) -> None:
        """Answer an upgrade; what refuses it goes to the client as it is."""
        transport = self.transport
        try:
            response = await self._primus.handle(request)
            if response is not None and not transport.is_closing():
                head, _ = AnswerHeads().written(response, request, is_old=False, closes=True)
                transport.write(head + response.body)
        except Exception:
            log.exception("failed to answer %r", request)
        finally:
            if request.detachable:  # it has not been taken over
                transport.close()

    async def _answer(self, request: Request, *, is_sure: bool) -> None:
        transport = self.transport
        writer = asyncio.StreamWriter(transport, self, self._reader, asyncio.get_running_loop())
        try:
            if not is_sure:
                transformer = self._primus.transformer
                has = transformer.has_session(transformer.session_of(request) or "")
                writer.write(b'{"has":true}\n' if has else b'{"has":false}\n')
                if not has:
                    return
            response = await self._primus.handle(request)
            assert response is not None
            await self._send(writer, response, response.headers_for(request))
            self._gone = None  # all has been sent
            # To close with a body that was not read would take the answer away from its reader.
            with suppress(TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), PATIENCE)
        except ConnectionError:
            log.debug("the client of %r has gone", request)
        except Exception:
            log.exception("failed to answer %r", request)
        finally:
            request.release()
            writer.close()

    async def _send(
        self, writer: asyncio.StreamWriter, response: Response, headers: CIMultiDict[str]
    ) -> None:
        length = None if response.chunks is not None else len(response.body)
        told = {"status": response.status, "headers": list(headers.items()), "length": length}
        writer.write(json.dumps(told).encode() + b"\n")
        if response.chunks is None:
            writer.write(response.body)
            await writer.drain()
            return
        async with closing(response.chunks) as chunks:
            async for chunk in chunks:
                if chunk:
                    writer.write(frame(chunk))
                    await writer.drain()
        writer.write(END)
