"""HTTP requests that Primus itself makes: each is sent once, and its answer is read whole.

aiohttp sends an idempotent request again when its connection breaks before the answer begins. An
answer that is lost like that may have held messages, and a request may have been acted upon, so
that decision belongs to the caller: every session of ours is opened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractCookieJar
from aiohttp.http import HttpProcessingError

__all__ = ["KEPT", "BrokenConnection", "is_redirect", "open_session", "read_up_to", "told"]

KEPT: Final = 2.0
"""Seconds that an idle connection is kept. Node closes them after 5, which costs a request that
is sent at that moment, since none is sent again."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


INTERIM: Final = 16
"""How many interim answers (103, say) a server may send before its answer."""


class Answer(aiohttp.ClientResponse):
    """An answer of a server. aiohttp takes any number of interim ones before it."""

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Read the head; a server that goes on with interim answers breaks the protocol."""
        protocol: Any = connection.protocol
        read, left = protocol.read, INTERIM

        async def counted() -> Any:
            nonlocal left
            message, payload = await read()
            left -= 100 <= message.code < 200
            if left < 0:
                raise HttpProcessingError(code=400, message="too many interim answers")
            return message, payload

        protocol.read = counted
        try:
            return await super().start(connection)
        finally:
            del protocol.read


class BrokenConnection(aiohttp.ClientConnectionError):
    """The connection broke before the answer began. The server may have acted on the request."""


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request, and not again when its connection breaks.

    Raises:
        BrokenConnection: it broke; aiohttp repeats a request after two errors of its own only.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing has been sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        message = getattr(error, "message", None)
        text = str(error) if message is None or isinstance(message, str) else ""
        raise BrokenConnection(text or "the server disconnected") from error


def open_session(
    *middlewares: aiohttp.ClientMiddlewareType,
    connector: aiohttp.BaseConnector | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: AbstractCookieJar | None = None,
    timeout: float | None = None,
) -> aiohttp.ClientSession:
    """A session of aiohttp that sends every request once.

    Args:
        middlewares: see or replace the answers, the last one first.
        connector: makes the connections.
        headers: of every request.
        cookies: keeps what servers set; by default nothing is kept.
        timeout: seconds for a request with its answer; `None` for ever.
    """
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar() if cookies is None else cookies,
        timeout=aiohttp.ClientTimeout(total=timeout),
        middlewares=(*middlewares, send_once),
        response_class=Answer,
    )


async def read_up_to(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body of an answer, however many pieces it comes in; at most `limit` bytes of it.

    Args:
        response: the answer. What is left of a longer one is not read.
        limit: in bytes, after a compressed body has been inflated.
    """
    received = bytearray()
    async for chunk in response.content.iter_any():
        received += chunk
        if len(received) >= limit:
            break
    return bytes(received[:limit])


def told(error: Exception) -> str:
    """What a request has failed with, in words; without its URL and its headers, which are secrets.

    The text of aiohttp's errors has both where an answer could not be read.
    """
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{type(error).__name__}({error.status}, {error.message!r})"
    return str(error) or repr(error)


def is_redirect(response: Any) -> bool:
    """Whether an answer sends the client elsewhere."""
    return response.status in REDIRECTS and "Location" in response.headers
