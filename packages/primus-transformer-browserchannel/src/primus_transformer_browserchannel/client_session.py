"""One session of a client: a back channel, opened again and again, and one post at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from primus.clock import SYSTEM_CLOCK, Timer, Within, expect
from primus.closed import Ending
from primus.errors import HandshakeError, LimitError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import FrameDelivery, NothingListens, PollingClient, QueuedTransport
from primus.tasks import spawn
from primus.websocket import utf8
from primus_transformer_browserchannel.address import Address
from primus_transformer_browserchannel.chunks import Array, ChunkReader, parse_arrays
from primus_transformer_browserchannel.maps import form
from primus_transformer_browserchannel.session import Numbering

__all__ = ["ARRAYS", "FORM", "ClientSession", "Retries"]

log = logging.getLogger("primus.client")

FORM: Final = "application/x-www-form-urlencoded"

ARRAYS: Final = 100_000
"""How many arrays may come in one chunk."""

POST_BYTES: Final = 512 * 1024
POST_MAPS: Final = 1000
"""How much is posted at once, unless a single message is longer."""

LONGEST_REPLY: Final = 1024
"""Bytes of what a post is answered with."""

PAYLOAD_FACTOR: Final = 16
"""So many messages of the largest size may come in one chunk."""

KEPT: Final = 1 << 20
"""How much is kept while the connection takes none, before the back channel is read no further."""

BACK_CHANNEL_RETRIES: Final = 3
POST_RETRIES: Final = 2

SILENCE: Final = 45.0
"""Seconds without data after which a back channel is taken for lost."""
POST_TIMEOUT: Final = 20.0
"""Seconds that a post may take at most; at least half of it."""
ROUND_TRIP: Final = 3.0
"""Seconds that an answer is expected to take at most."""
OUTSTANDING: Final = 37_500
"""Bytes that may be under way without hinting at a back channel that is dead."""


class Retries:
    """How long a client waits before it sends a request again.

    Args:
        base: seconds; from one to three times as long is waited before the second retry, and
            twice that before the third. The first one is made at once.
    """

    def __init__(self, base: float) -> None:
        self._base = base

    def delay(self, made: int) -> float:
        """Seconds to wait when `made` retries have been made."""
        return self._base * (1 + 2 * random.random()) * made


class ClientSession(QueuedTransport):
    """The transport of a client whose session is open.

    It reads from the first `resume_reading` on. One task has the back channel, and one posts while
    there is something to post. Both send their request again when it fails on the way: arrays that
    came twice are dropped here, and maps that come twice by the server. Where nothing listens any
    more, the session is gone, and the connection is lost at once.

    Args:
        sid: the id of the session.
        rid: the RID of the next post.
        early: the arrays that came along with the id.
        address: where to.
        http: makes the requests.
        streams: whether an answer may have several chunks.
        max_length: the longest message taken, in bytes.
        close_timeout: seconds that what waits may take to be posted when the client closes.
        retries: how long to wait before a retry.
    """

    __slots__ = (
        "_address",
        "_close_timeout",
        "_closing",
        "_cut",
        "_delivery",
        "_early",
        "_ending",
        "_error",
        "_has_data",
        "_http",
        "_is_over",
        "_is_stopped",
        "_last",
        "_limit",
        "_max_length",
        "_numbering",
        "_opened_at",
        "_poster",
        "_receiver",
        "_reopener",
        "_retried",
        "_retries",
        "_rid",
        "_room",
        "_sid",
        "_streams",
        "_timer",
    )

    def __init__(
        self,
        sid: str,
        rid: int,
        early: Sequence[Array],
        *,
        address: Address,
        http: PollingClient,
        streams: bool,
        max_length: int,
        close_timeout: float,
        retries: Retries,
    ) -> None:
        super().__init__()
        self._sid = sid
        self._rid = rid
        self._address = address
        self._http = http
        self._streams = streams
        self._max_length = max_length
        self._limit = max(PAYLOAD_FACTOR * max_length, DEFAULT_LIMITS.poll_bytes)
        self._close_timeout = close_timeout
        self._retries = retries
        self._numbering = Numbering()
        self._delivery = FrameDelivery(self, self._delivered)
        self._early: Sequence[Array] = early
        self._last = 0
        """The id of the array that was received last."""
        self._is_stopped = False
        """Whether the server has ended the session."""
        self._closing = self._is_over = False
        self._error: Exception | None = None
        self._ending: Ending | None = None
        self._has_data = False
        """Whether the back channel has brought something."""
        self._retried = 0
        """How often in a row the back channel has failed."""
        self._opened_at = 0.0
        """When the back channel was asked for, in seconds."""
        self._cut: asyncio.Timeout | None = None
        """What ends the request of the back channel, while there is one."""
        self._room: asyncio.Event | None = None
        self._receiver: asyncio.Task[None] | None = None
        self._poster: asyncio.Task[None] | None = None
        self._reopener: Timer | None = None
        self._timer: Timer | None = None

    # -- in

    def resume_reading(self) -> None:
        """Start reading, first with what has come along with the answer to the handshake."""
        super().resume_reading()
        if self._receiver is None and not self._is_over:
            self._receiver = spawn(self._guarded(self._receive))
        self._delivery.resume()

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        super().pause_reading()
        self._delivery.pause()

    async def _receive(self) -> None:
        """Take what has come already, then keep a back channel open until the session ends."""
        early, self._early = self._early, ()
        self.receive(early)
        while not self._is_stopped:
            error = await self._receive_once()
            self._forget_reopening()
            if self._has_data:
                self._retried = 0
            if error is None or self._is_stopped:
                continue
            if self._retried >= BACK_CHANNEL_RETRIES:
                raise TransportError(f"the back channel failed again and again: {error}") from error
            delay = self._retries.delay(self._retried)
            self._retried += 1
            log.debug("the back channel failed, it is opened again in %.1f s: %s", delay, error)
            await asyncio.sleep(delay)
        self.over(ending=Ending.of_peer())

    async def _receive_once(self) -> Exception | None:
        """Read one back channel to its end; what went wrong on the way.

        Raises:
            HandshakeError: the server refuses.
            NothingListens: it is gone.
            ProtocolError: it sends what it should not.
        """
        self._has_data = False
        self._opened_at = time.monotonic()
        reader = ChunkReader(self._limit)
        url = self._address.bind(
            self._retried + 1,
            RID="rpc",
            SID=self._sid,
            CI=0 if self._streams else 1,
            AID=self._last,
            TYPE="xmlhttp",
        )
        try:
            async with asyncio.timeout(SILENCE) as self._cut:
                async with self._http.answer("GET", url) as pieces:
                    async for piece in pieces:
                        for text in reader.read(piece):
                            self.receive(parse_arrays(text, ARRAYS))
                        if self._is_stopped:
                            return None
                        await self._await_room(self._cut)
        except (HandshakeError, NothingListens, ProtocolError):
            raise
        except (TransportError, TimeoutError) as error:
            return error
        finally:
            self._cut = None
        if not self._has_data or not reader.is_between:
            return TransportError("the answer of the back channel is not complete")
        return None

    async def _await_room(self, silence: asyncio.Timeout) -> None:
        """Read no further while too much is kept; a silence that we cause is no loss."""
        silence.reschedule(None)
        while self._delivery.size > KEPT:
            self._room = asyncio.Event()
            await self._room.wait()
        silence.reschedule(asyncio.get_running_loop().time() + SILENCE)

    def receive(self, arrays: Sequence[Array]) -> None:
        """Take arrays, each once.

        Raises:
            ProtocolError: one is missing before them, or a message is too long.
        """
        messages: list[str] = []
        for array in arrays:
            self._has_data = True
            if array.id <= self._last:
                continue  # it has been sent again
            if array.id != self._last + 1:
                raise ProtocolError(f"array {array.id} comes where {self._last + 1} is next")
            self._last = array.id
            if isinstance(array.data, str):
                messages.append(self._checked(array.data))
            elif array.data[0] == "stop":
                self._is_stopped = True
                break
        self._forget_reopening()
        self._delivery.add(messages)

    def _checked(self, message: str) -> str:
        if 4 * len(message) > self._max_length and len(utf8(message)) > self._max_length:
            raise LimitError(f"a message of more than {self._max_length} bytes", "max_length")
        return message

    def _delivered(self) -> None:
        """Handle that the connection has taken all that has arrived."""
        room, self._room = self._room, None
        if room is not None:
            room.set()
        if self._is_over:
            self._tell()

    # -- a back channel that the server does not have

    def _reply(self, body: bytes, asked_at: float) -> None:
        """Handle what a post is answered with: how the back channel looks from the server.

        Raises:
            ProtocolError: it is something else.
        """
        try:
            present, last_sent, outstanding = json.loads(body.partition(b"\n")[2])
            is_stuck = last_sent > self._last and outstanding < OUTSTANDING
        except (ValueError, TypeError, RecursionError) as error:
            raise ProtocolError(f"not the answer to a post: {body[:50]!r}") from error
        if present == 0:
            if self._opened_at + ROUND_TRIP < asked_at:
                self._reopen()
        elif is_stuck and self._streams and not self._retried and self._reopener is None:
            self._reopener = expect(SYSTEM_CLOCK, 2 * ROUND_TRIP, self._reopen)

    def _reopen(self) -> None:
        """Give up the request of the back channel, if there is one, and make another."""
        self._forget_reopening()
        if self._cut is not None and self._cut.when() is not None and not self._cut.expired():
            self._cut.reschedule(asyncio.get_running_loop().time())

    def _forget_reopening(self) -> None:
        timer, self._reopener = self._reopener, None
        if timer is not None:
            timer.cancel()

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Put a message into the queue; this wire has text only."""
        if not self._closing:
            self.put(frame if isinstance(frame, str) else frame.decode(errors="replace"))

    def wake(self) -> None:
        """Post what waits, unless something is being posted."""
        if self._poster is None and not self._is_over:
            self._poster = spawn(self._guarded(self._post))

    async def _post(self) -> None:
        try:
            await asyncio.sleep(0)  # what is written in the same turn of the loop goes along
            while self.queued:
                await self._post_once()
        finally:
            self._poster = None

    async def _post_once(self) -> None:
        """Post what waits; an attempt that fails is repeated with the same RID."""
        tried = 0
        while True:
            asked_at = time.monotonic()
            try:
                reply = await self._send_off(tried)
                break
            except (HandshakeError, NothingListens, ProtocolError):
                raise
            except (TransportError, TimeoutError) as error:
                if tried >= POST_RETRIES:
                    raise TransportError(f"a post failed again and again: {error}") from error
                delay = self._retries.delay(tried)
                log.debug("a post failed, it is sent again in %.1f s: %s", delay, error)
            tried += 1
            self._numbering.restore()
            self.restore()
            await asyncio.sleep(delay)
        self._rid += 1
        self.confirm(self._numbering.confirm(self._numbering.last_sent))
        self._reply(reply, asked_at)

    async def _send_off(self, tried: int) -> bytes:
        messages = [str(frame) for frame in self.take(POST_BYTES, POST_MAPS, keep=True)]
        body = form(self._numbering.number(len(messages)), messages)
        url = self._address.bind(tried + 1, SID=self._sid, RID=self._rid, AID=self._last)
        async with Within(POST_TIMEOUT / 2 * (1 + random.random())):
            return await self._http.ask("POST", url, body, content_type=FORM, limit=LONGEST_REPLY)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it; what goes wrong is the end of the session."""
        try:
            await work()
        except TransportError as error:
            self.over(error)

    # -- the end

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Post what waits, then leave."""
        if self._closing:
            return
        self._closing = True
        self._timer = expect(SYSTEM_CLOCK, self._close_timeout, self.over)
        spawn(self._leave_in_order())
        super().resume_reading()
        self._delivery.resume()  # the connection does not ask for it any more, and is told the end

    async def _leave_in_order(self) -> None:
        if self._poster is not None:
            await asyncio.wait({self._poster})
        self.over()

    def abort(self) -> None:
        """Drop the session at once."""
        self._delivery.clear()
        self.over()

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or for what `error` or `ending` says."""
        if self._is_over:
            return
        self._is_over = self._closing = True
        self._error, self._ending = error, ending
        self._forget_reopening()
        if self._timer is not None:
            self._timer.cancel()
        self.forget()
        for task in (self._receiver, self._poster):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        knows = self._is_stopped or isinstance(error, HandshakeError | NothingListens)
        spawn(self._leave(tell=not knows))
        if not len(self._delivery):
            self._tell()

    def _tell(self) -> None:
        """Tell the connection that the session is over."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(self._error, self._ending)

    async def _leave(self, *, tell: bool) -> None:
        """Close all connections; a server that may not know is told first, if it can be."""
        try:
            if tell:
                url = self._address.bind(SID=self._sid, RID=self._rid, TYPE="terminate")
                async with asyncio.timeout(ROUND_TRIP):
                    await self._http.ask("GET", url, limit=LONGEST_REPLY)
        except (TransportError, TimeoutError) as error:
            log.debug("the server was not told of the end: %s", error)
        finally:
            await self._http.close()
