"""The HTTP requests of a polling client."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import aiohttp
from yarl import URL

from primus.errors import HandshakeError, ProtocolError, TransportError
from primus.http import shown
from primus.limits import DEFAULT_LIMITS
from primus.requesting import KEPT, open_session, read_up_to, told
from primus.tasks import spawn
from primus.transformer import DialOptions

__all__ = ["NothingListens", "PollingClient", "opened_session"]

T = TypeVar("T")

LEAVE_TIMEOUT: Final = 2.0
"""Seconds that a session which is not wanted any more may take to be opened, and ended."""

log = logging.getLogger("primus.client")


class NothingListens(TransportError):
    """The connection was refused: the process that had the session is gone, and the session too."""


class PollingClient:
    """Sends requests to one server, with ``headers``, ``ssl``, ``unix`` of `DialOptions.options`.

    Cookies of the server are sent back, so that a load balancer can recognise its client. A
    request is sent once and follows no redirect: what a lost answer held is gone, so a connection
    that breaks is the end of the session.

    Args:
        dial: where to, and how.
    """

    def __init__(self, dial: DialOptions) -> None:
        options = dial.options
        tls = options.get("ssl") or True
        connector: aiohttp.BaseConnector
        if "unix" in options:
            connector = aiohttp.UnixConnector(options["unix"], keepalive_timeout=KEPT)
        else:
            connector = aiohttp.TCPConnector(ssl=tls, keepalive_timeout=KEPT, limit=0)
        self._http = open_session(
            connector=connector,
            headers=options.get("headers"),
            cookies=aiohttp.CookieJar(unsafe=True),
        )

    async def ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        content_type: str = "",
        limit: int,
    ) -> bytes:
        """The whole body of an answer.

        Args:
            method: GET or POST.
            url: where to.
            body: what is posted.
            content_type: what that is.
            limit: the longest body taken, in bytes.

        Raises:
            HandshakeError: the server refused.
            NothingListens: it takes no connections.
            TransportError: it cannot be reached, or this client has been closed.
            ProtocolError: it answered with more than `limit` bytes.
        """
        received = bytearray()
        async with self.answer(method, url, body, content_type=content_type) as chunks:
            async for chunk in chunks:
                received += chunk
                if len(received) > limit:
                    received.clear()  # the traceback keeps this frame, and with it what was read
                    raise ProtocolError(f"an answer of more than {limit} bytes")
        return bytes(received)

    @asynccontextmanager
    async def answer(
        self, method: str, url: str, body: bytes | None = None, *, content_type: str = ""
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of an answer, in pieces as they come; arguments and errors as for `ask`."""
        headers = {"Content-Type": content_type} if content_type else None
        if self._http.closed:
            raise TransportError(f"{method} {_shown(url)} failed: the session is over")
        try:
            async with self._http.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                if response.status not in (200, 204):
                    raise await _refusal(response)
                yield response.content.iter_any()
        except (aiohttp.ClientError, OSError) as error:
            is_refused = isinstance(error, OSError) and error.errno == errno.ECONNREFUSED
            kind = NothingListens if is_refused else TransportError
            raise kind(f"{method} {_shown(url)} failed: {told(error)}") from error

    def cookies(self, url: str) -> dict[str, str]:
        """The header with the cookies for `url`, for what is asked elsewhere; there may be none.

        It has the user's own, too, all in the form that they were given in.
        """
        found = self._http.cookie_jar.filter_cookies(URL(url, encoded=True))
        if not found:
            return {}
        given = [pair.strip() for pair in self._http.headers.get("Cookie", "").split(";")]
        kept = [pair for pair in given if pair and pair.partition("=")[0].rstrip() not in found]
        theirs = [f"{name}={cookie.coded_value}" for name, cookie in found.items()]
        return {"Cookie": "; ".join([*kept, *theirs])}

    async def close(self) -> None:
        """Drop all requests that are under way."""
        await self._http.close()


async def opened_session(
    request: Coroutine[Any, Any, T], leave: Callable[[T], Awaitable[object]]
) -> T:
    """What a request that opens a session is answered with.

    A client that is ended before that may have a session on the server all the same, which would
    live there until its heartbeat fails. So the answer is still awaited, for two seconds, and the
    session is ended.

    Args:
        request: asks for the session.
        leave: ends it, given the answer.

    Raises:
        TransportError: what `request` raises.
    """
    asking = spawn(request)
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await leave(await asking)
        except (TransportError, TimeoutError) as error:
            log.debug("the server was not told that a session is not wanted any more: %s", error)
        raise


def _shown(url: str) -> str:
    """`url` without its query string, its credentials and the names of sessions: secrets."""
    host, slash, path = url.partition("?")[0].rpartition("@")[2].rpartition("//")[2].partition("/")
    return host + shown(slash + path)


async def _refusal(response: aiohttp.ClientResponse) -> HandshakeError:
    body = await read_up_to(response, DEFAULT_LIMITS.refusal_bytes)
    return HandshakeError.answered(response.status, response.headers, body)
