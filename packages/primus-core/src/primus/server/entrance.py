"""The way into a server of our own: requests and upgrades below the pathname are answered here.

A connection costs neither a task nor a timer of its own until the head of a request has come.
Requests are answered one after the other, each by a task. What is not ours goes to the application
(`primus.server.application`), if there is one, with all that has been read; and so does everything
that comes on the same connection afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from typing import Final

from primus.http import CONTINUE, Address, HandOver, Request, Response, closing, without_authority
from primus.server.answer_heads import Framing
from primus.server.body import Body
from primus.server.head_intake import HeadIntake
from primus.server.heads import Head, MalformedRequest
from primus.server.hosts.transports import address_of, taken
from primus.server.known_heads import KnownHeads
from primus.server.pending import IDLE, NEVER, PendingConnections
from primus.server.upgrade_heads import HINT, read_upgrade
from primus.tasks import begin

__all__ = ["Entrance"]

log = logging.getLogger("primus.server")

END: Final = b"\r\n\r\n"

HEAD: Final = 0
"""The head of a request is waited for."""
BODY: Final = 1
"""A request is being answered, of whose body more comes."""
AHEAD: Final = 2
"""A request is being answered that has come whole: what comes is the next one."""
UPGRADE: Final = 3
"""An upgrade is being answered: what comes is for what takes it over."""


class Entrance(HeadIntake):
    """A connection, until it is handed over or given to the application."""

    __slots__ = ("_address", "_ahead", "_body", "_drained", "_gone", "_known_heads", "_step")

    def __init__(self, pending: PendingConnections, adopted: bytes | None = None) -> None:
        HeadIntake.__init__(self, pending, adopted)  # `super()` makes an object
        self._known_heads: KnownHeads | None = None
        """Made for the first request that is no upgrade."""
        self._step = HEAD
        self._address: Address | None = None
        self._body: Body | None = None
        """That of the request which is being answered."""
        self._ahead = b""
        """What has come behind it."""
        self._gone: Callable[[], None] | None = None
        """Called once, should the client go before it has all of the answer."""
        self._drained: asyncio.Future[None] | None = None
        """What the client reads more of, while that is too much."""

    # -- in

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, by what is waited for."""
        if self._is_refused:
            return
        step = self._step
        if step == HEAD:
            if self._head is None:
                data = data.lstrip(b"\r\n")  # RFC 9112 section 2.2
                at = data.find(END)
                # All of it, as most of them come; of the first, another process may have to know.
                if 0 < at <= self._pending.max_head - len(END) and not (
                    self._is_first and self._pending.primus.elsewhere is not None
                ):
                    self._is_first = False
                    self._pending.deadlines.due[self._transport] = NEVER
                    self.arrived(data, at + len(END))
                    return
            if data:
                self.collect(data)
            return
        if step == BODY:
            data = self._feed(data)
        self._ahead += data
        if step == UPGRADE:
            self._transport.pause_reading()
        elif len(self._ahead) > self._pending.most_ahead:
            log.debug("dropped a connection that sends on while it is to read")
            self._transport.abort()

    def _feed(self, data: bytes) -> bytes:
        """Take a part of the body; what stands behind it."""
        body = self._body
        assert body is not None
        rest = body.feed(data)
        if body.is_whole:
            self._step = AHEAD
        return rest

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell what answers the client."""
        super().connection_lost(exc)
        if self._body is not None:
            self._body.fail()
        self.resume_writing()
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    def pause_writing(self) -> None:
        """Write no more for now: the client reads too slowly."""
        super().pause_writing()
        self._drained = self._pending.loop.create_future()

    def resume_writing(self) -> None:
        """Go on: the client has caught up, or has gone."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # -- requests

    def arrived(self, data: bytes, end: int) -> None:
        """Answer a request, or give it to the application."""
        pending = self._pending
        try:
            method, target, head = self._read(data[:end])
        except MalformedRequest as error:
            log.debug("refused a malformed request: %s", error)
            self.refuse(Response.error(error.status))
            return
        path = target if target[:1] == "/" else without_authority(target)
        is_ours = path.startswith(pending.primus.pathname)
        if pending.application is not None and not (
            is_ours and (pending.takes_transports or not head.upgrade)
        ):
            pending.application(pending).adopt(self._transport, data)
        else:
            refusal = None if is_ours else Response.error(404)
            self._begin(method, target, head, data[end:], refusal)

    def _read(self, data: bytes) -> tuple[str, str, Head]:
        """Read the head of a request.

        Raises:
            MalformedRequest: it breaks the rules.
        """
        pending = self._pending
        if HINT in data:
            upgrade = read_upgrade(data, pending.max_headers, pending.upgrade_fields)
            if upgrade is not None:
                return upgrade
        if self._known_heads is None:
            self._known_heads = KnownHeads(pending.max_headers, pending.max_head)
        return self._known_heads.read(data)

    def _begin(
        self, method: str, target: str, head: Head, rest: bytes, refusal: Response | None
    ) -> None:
        """Start to answer a request.

        Args:
            method: its method.
            target: its target.
            head: its head, but for these.
            rest: what has come behind that.
            refusal: what is answered, without asking the Primus.
        """
        transport, pending = self._transport, self._pending
        content: bytes | Callable[[], AsyncIterator[bytes]] | None = None
        body, length = None, head.length
        if head.upgrade:
            self._step = UPGRADE
        elif head.chunked is None and len(rest) >= length:
            self._step = AHEAD
            if length:
                content, rest = rest[:length], rest[length:]
        else:
            self._step = BODY
            body = self._body = Body(head, transport, pending.primus.limits.read_ahead_bytes)
            rest = self._feed(rest)
            content = body.taken() if body.is_whole else body.chunks
        self._ahead = rest
        if head.expectation is not None:
            if head.expectation == 417:
                refusal = Response.error(417)
            elif not isinstance(content, bytes):
                transport.write(CONTINUE)
        if self._address is None:
            self._address = address_of(transport)
        request = Request(
            method,
            target,
            head.headers,
            address=self._address,
            secure=pending.secure,
            body=content,
            detach=self._detach if head.upgrade else None,
            watch=self._watch,
            drop=transport.abort,
            native=transport,
            is_checked=True,
            passage=head.passage,
        )
        answering = self._answer(head, request, refusal)
        bare = pending.upgrades_bare if head.upgrade else pending.begins_bare
        bare = bare and pending.primus.elsewhere is None
        task = copy_context().run(begin, answering, bare=bare)
        if task is not None:
            pending.tasks.add(task)
            task.add_done_callback(pending.tasks.discard)

    def _watch(self, fn: Callable[[], None]) -> None:
        if self._transport.is_closing():
            fn()  # it has gone while the request was looked at
        else:
            self._gone = fn

    def _detach(self) -> HandOver:
        handed = taken(self._transport, self._ahead)
        self._ahead = b""
        return handed

    # -- out

    async def _answer(self, head: Head, request: Request, refusal: Response | None) -> None:
        pending, framing = self._pending, None
        try:
            try:
                response = refusal or await pending.primus.handle(request)
                if response is not None:
                    body = self._body
                    text, framing = pending.heads.written(
                        response,
                        request,
                        is_old=head.is_old,
                        closes=not head.keep_alive
                        or pending.is_closed
                        or (body is not None and not body.is_whole),
                    )
            except Exception:
                log.exception("failed to answer %r", request)
                request.response_headers.clear()
                response = Response.error(500)
                text, framing = pending.heads.written(
                    response, request, is_old=head.is_old, closes=True
                )
            if head.upgrade and not request.detachable:
                framing = None  # it has been taken over
            elif response is None or framing is None:
                self._transport.abort()
            elif response.chunks is not None:
                await self._stream(text, response.chunks, framing, request.method != "HEAD")
            else:
                has_body = framing.has_body and request.method != "HEAD"
                self._send(text + response.body if has_body else text)
                if self._drained is not None:
                    await self._drained
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception:
            log.exception("failed in the middle of the answer to %r", request)
            self._transport.abort()
        finally:
            request.release()
            self._gone = None
        if framing is not None:
            self._finish(closes=framing.closes)

    async def _stream(
        self, head: bytes, chunks: AsyncIterator[bytes], framing: Framing, whole: bool
    ) -> None:
        """Send an answer piece by piece; only its head, unless it is wanted `whole`."""
        async with closing(chunks):
            self._write(head)
            if not (whole and framing.has_body):
                return
            async for chunk in chunks:
                if self._transport.is_closing():
                    return
                if chunk:  # an empty one would end the body
                    self._write(_chunk(chunk) if framing.is_chunked else chunk)
                if self._drained is not None:
                    await self._drained
            if framing.is_chunked:
                self._write(_chunk(b""))

    def _write(self, data: bytes) -> None:
        """Write a part of an answer, which the client has to take in time."""
        self._pending.primus.writes.add(self._transport)
        self._send(data)

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _finish(self, *, closes: bool) -> None:
        """Wait for the next request, or close the connection."""
        transport, body = self._transport, self._body
        if transport.is_closing():
            return
        if body is not None and not body.is_whole:
            body.taken()  # and read on what is passed over
            self.linger()
        elif closes and self._ahead:
            self.linger()
        elif closes:
            self._pending.primus.writes.add(transport)
            transport.close()
        elif self._ahead:
            self._pending.loop.call_soon(self._go_on, context=self._pending.context)
        else:
            self._step, self._body = HEAD, None
            self._pending.deadlines.due[transport] = IDLE

    def _go_on(self) -> None:
        """Answer the request that has come behind another."""
        if not self._transport.is_closing():
            self._step, self._body = HEAD, None
            # Line ends alone are no request.
            self._pending.deadlines.set(self._transport, self._pending.keepalive_timeout)
            ahead, self._ahead = self._ahead, b""
            self.data_received(ahead)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
