"""Plain requests under ASGI: the body, the answer, and whether the client is still there.

An ASGI server reports that its client has gone by an event in the queue that the body comes in. So
the body is read first, and then a task waits for that event, if a callback was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from primus.clock import Within
from primus.http import ClientGone, Request, Response, closing
from primus.server.hosts.asgi_scope import Event, Receive, Send, encoded, wire_of
from primus.tasks import spawn
from primus.write_watch import WriteWatch

__all__ = ["Exchange"]

BUFFERED: Final = 64 * 1024
"""Bytes that a server takes without waiting for the client to read them."""


class Exchange:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send, writes: WriteWatch) -> None:
        self.gone = False
        """Whether the client is known to have gone."""
        self._receive = receive
        self._send = send
        self._writes = writes
        self._wire = wire_of(send)
        self._more_body = True
        self._listeners: list[Callable[[], None]] = []
        self._watching: asyncio.Task[None] | None = None
        self._presence: asyncio.Timeout | None = None

    async def body(self) -> AsyncIterator[bytes]:
        """The body, piece by piece.

        Raises:
            ClientGone: the client has gone before all of it was there.
        """
        while self._more_body:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                self._more_body, self.gone = False, True
                raise ClientGone("the client has gone before its request was complete")
            self._more_body = event.get("more_body", False)
            yield event.get("body", b"")

    def watch(self, fn: Callable[[], None]) -> None:
        """Call `fn` once the client has gone; the rest of the body is passed over."""
        self._more_body = False
        if self.gone:
            fn()
            return
        self._listeners.append(fn)
        if self._watching is None:
            self._watching = spawn(self._watch())

    async def _watch(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except OSError:
            pass  # some servers tell it so
        self._left()

    def _left(self) -> None:
        self.gone = True
        listeners, self._listeners = self._listeners, []
        for fn in listeners:
            fn()

    def _watch_no_more(self) -> None:
        """Stop watching for the client: the answer is complete."""
        if self._watching is not None:
            self._watching.cancel()

    def drop(self) -> None:
        """Stop answering: the server closes the connection of an answer that is incomplete."""
        presence, self._presence = self._presence, None
        if presence is not None:
            presence.reschedule(asyncio.get_running_loop().time())
        if self._wire is not None:
            self._wire.abort()

    async def answer(self, request: Request, response: Response) -> None:
        """Send a response, unless the client has gone."""
        try:
            async with asyncio.timeout(None) as presence:
                self._presence = presence
                if response.chunks is None:
                    await self._start(request, response)
                    await self._whole(b"" if request.method == "HEAD" else response.body)
                else:
                    await self._stream(request, response, response.chunks)
        except ClientGone:
            pass  # the client has gone
        except TimeoutError:
            if not presence.expired():
                raise
        finally:
            self._presence = None
            self._watch_no_more()

    async def _start(self, request: Request, response: Response) -> None:
        headers = encoded(response.headers_for(request).items())
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await self._say(start)

    async def _whole(self, body: bytes) -> None:
        """Send the body; the callback is called when the client goes before all of it is out.

        A client that has all of it may go as it likes, so of a long one the last byte is kept
        back until the rest has left.
        """
        if self._watching is not None:
            if len(body) > BUFFERED:
                await self._pieces(body[:-1])
                body = body[-1:]
            await asyncio.sleep(0)  # the client may have gone before we looked
            self._watch_no_more()
        elif self._wire is None and len(body) > BUFFERED:
            await self._pieces(body)
            body = b""
        await self._part(body, more=False)

    async def _pieces(self, body: bytes) -> None:
        """Send some of the body; the client has `write_timeout` for each piece."""
        size = BUFFERED if self._wire is None else len(body)
        for start in range(0, len(body), size):
            await self._part(body[start : start + size], more=True)

    async def _part(self, body: bytes, *, more: bool) -> None:
        await self._say({"type": "http.response.body", "body": body, "more_body": more})

    async def _say(self, event: Event) -> None:
        self._writes.add(self._wire)
        try:
            async with Within(None if self._wire is not None else self._writes.timeout):
                await self._send(event)
        except (OSError, RuntimeError) as error:  # a timeout is an OSError
            # uvloop does not write to a wire that has gone, and says so with a RuntimeError.
            if not isinstance(error, OSError) and not self._is_cut:
                raise
            self._left()
            raise ClientGone("the client has gone before its answer was complete") from error

    @property
    def _is_cut(self) -> bool:
        """Whether the connection is known to have gone."""
        return self._wire is not None and self._wire.is_closing()

    async def _stream(
        self, request: Request, response: Response, chunks: AsyncIterator[bytes]
    ) -> None:
        """Send each chunk when it comes; the iterator is closed as soon as the client has gone."""
        async with closing(chunks):
            self.watch(self.drop)
            await self._start(request, response)
            if request.method != "HEAD":
                async for chunk in chunks:
                    await self._part(chunk, more=True)
            self._watch_no_more()
            await self._part(b"", more=False)
