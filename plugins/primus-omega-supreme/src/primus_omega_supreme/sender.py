"""`Sender`: brings a message to other servers, so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urljoin

import aiohttp

from primus import ParserError, Primus
from primus.requesting import KEPT, open_session, read_up_to
from primus_omega_supreme.errors import ForwardError
from primus_omega_supreme.message import PARSER, seal
from primus_omega_supreme.options import Settings

__all__ = ["Delivery", "Sender"]

LONGEST_ANSWER: Final = 64 * 1024
"""Bytes that are read of an answer; a proper one has thirty."""

Delivery = tuple[str, bytes]
"""The address of a server, and the body for it."""


class Sender:
    """Makes the requests. It is told the same secret as the endpoint.

    Each is sent once, even one whose method may be repeated: a server that has taken the message
    before its connection broke would write it to its sparks twice.
    """

    def __init__(self, primus: Primus, settings: Settings) -> None:
        self._primus = primus
        self._settings = settings
        self._room = asyncio.Semaphore(settings.concurrently)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, deliveries: Iterable[Delivery]) -> int:
        """Bring each delivery to its server; how many sparks those have written to.

        Raises:
            ForwardError: not all servers have taken theirs; the others have.
        """
        results = await asyncio.gather(
            *(self._deliver(server, body) for server, body in deliveries), return_exceptions=True
        )
        failures = [each for each in results if isinstance(each, BaseException)]
        send = sum(each for each in results if not isinstance(each, BaseException))
        if not failures:
            return send
        first = failures[0]
        if not isinstance(first, ForwardError):
            raise first
        first.send = send
        first.errors = [each for each in failures if isinstance(each, ForwardError)]
        raise first

    async def close(self) -> None:
        """Close the connections to other servers."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _deliver(self, server: str, body: bytes) -> int:
        url = server
        async with self._room:
            try:
                path = self._settings.url or f"{self._primus.pathname}/omega/supreme"
                url = urljoin(server, path)
                status, answer = await self._request(url, body)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                reason = str(error) or type(error).__name__
                raise ForwardError(f"{url} cannot be reached: {reason}", url=url) from error
        return _count(url, status, answer)

    async def _request(self, url: str, body: bytes) -> tuple[int, bytes]:
        if self._session is None:
            self._session = open_session(
                # The semaphore limits them.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT),
                timeout=self._settings.forward_timeout,
            )
        headers = {
            "Authorization": self._settings.authorization,
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        method = self._settings.method
        async with self._session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            return response.status, await read_up_to(response, LONGEST_ANSWER)


def _count(url: str, status: int, answer: bytes) -> int:
    """How many sparks a server has written to, by its answer.

    Raises:
        ForwardError: it has not taken the message.
    """
    try:
        body = PARSER.decode(answer)
    except ParserError:
        body = None
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    reason = fields.get("reason")
    told = reason if isinstance(reason, str) and reason else None
    if status != 200:
        message = told or f"Invalid status code ({status}) returned"
        raise ForwardError(f"{url}: {message}", url=url, status=status, body=body)
    if fields.get("ok") is not True:
        message = told or "Unable to process the request"
        raise ForwardError(f"{url}: {message}", url=url, status=status, body=body)
    count = fields.get("send")
    return count if isinstance(count, int) else 0


def sealed(msg: Any, **to: Any) -> bytes:
    """The body of a request.

    Raises:
        ForwardError: the message has no JSON form.
    """
    try:
        return seal({"msg": msg, **to})
    except ParserError as error:
        raise ForwardError(f"the message cannot be forwarded: {error}") from error
