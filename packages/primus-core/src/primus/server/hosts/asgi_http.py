"""Plain requests under ASGI: the body, the answer, and whether the client is still there.

An ASGI server tells that its client has gone by an event that somebody has to wait for, in the
queue that the body comes in. So the body is read first, and then a task waits for that event,
if anybody wants to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from primus.http import ClientGone, Request, Response
from primus.server.hosts.asgi_scope import Event, Receive, Send, encoded
from primus.tasks import spawn

__all__ = ["Exchange"]


class Exchange:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.gone = False
        """Whether the client is known to have gone."""
        self._receive = receive
        self._send = send
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
        """Have `fn` called once the client has gone; the rest of the body is passed over."""
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
        self.gone = True
        for fn in self._listeners:
            fn()

    def _watch_no_more(self) -> None:
        """The answer is complete: from now on a client that goes is nothing to speak of."""
        if self._watching is not None:
            self._watching.cancel()

    def drop(self) -> None:
        """Stop answering: the server closes the connection of an answer that is incomplete."""
        presence, self._presence = self._presence, None
        if presence is not None:
            presence.reschedule(asyncio.get_running_loop().time())

    async def answer(self, request: Request, response: Response) -> None:
        """Send a response, unless the client has gone."""
        try:
            async with asyncio.timeout(None) as presence:
                self._presence = presence
                if response.chunks is None:
                    if self._watching is not None:
                        await asyncio.sleep(0)  # the client may have gone before we looked
                    self._watch_no_more()
                    await self._start(request, response)
                    await self._part(b"" if request.method == "HEAD" else response.body, more=False)
                else:
                    await self._stream(request, response, response.chunks)
        except ClientGone:
            pass  # nobody is there to be told anything
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

    async def _part(self, body: bytes, *, more: bool) -> None:
        await self._say({"type": "http.response.body", "body": body, "more_body": more})

    async def _say(self, event: Event) -> None:
        try:
            await self._send(event)
        except OSError as error:
            self.gone = True
            raise ClientGone("the client has gone before its answer was complete") from error

    async def _stream(
        self, request: Request, response: Response, chunks: AsyncIterator[bytes]
    ) -> None:
        """Send each chunk when it comes; the iterator is closed as soon as the client has gone."""
        try:
            self.watch(self.drop)
            await self._start(request, response)
            if request.method != "HEAD":
                async for chunk in chunks:
                    await self._part(chunk, more=True)
            self._watch_no_more()
            await self._part(b"", more=False)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()
