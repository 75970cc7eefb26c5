"""`Sender`: a queue for each server that messages go to, and the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import urljoin

import aiohttp

from primus import Primus
from primus.requesting import KEPT, open_session, read_up_to
from primus_omega_supreme.errors import ForwardError
from primus_omega_supreme.message import BATCH_HEADER, Sealed
from primus_omega_supreme.options import Settings
from primus_omega_supreme.outages import Outages
from primus_omega_supreme.queue import Answer, ServerQueue

__all__ = ["Delivery", "Sender"]

log = logging.getLogger("primus.server")

LONGEST_ANSWER: Final = 64 * 1024
"""Bytes that are read of an answer; a proper one has thirty, one to a batch some thousand."""

MOST: Final = 1024
"""How many servers have a queue while nothing waits for them."""

Delivery = tuple[str, Sealed]
"""The address of a server, and the message for it."""


class Sender:
    """Makes the requests. It is told the same secret as the endpoint.

    Each is sent once, even one whose method may be repeated: a server that has taken the message
    before its connection broke would write it to its sparks twice.

    Args:
        primus: the server.
        settings: the options.
        failed: called when a server has not answered, for the first time since it did.
    """

    def __init__(self, primus: Primus, settings: Settings, failed: Callable[[], None]) -> None:
        self._primus = primus
        self._settings = settings
        self._failed = failed
        self._path = settings.url or f"{primus.pathname}/omega/supreme"
        self._queues: dict[str, ServerQueue] = {}
        self._dropped = 0  # by queues that are no more
        self._away = Outages()
        self.outages = Outages()
        """The servers of which a failure is in the log."""
        self._session: aiohttp.ClientSession | None = None

    def put(self, server: str, message: Sealed) -> asyncio.Future[int]:
        """Queue a message for a server.

        Returns:
            How many sparks it was written to there, or a `ForwardError`.
        """
        try:
            url = urljoin(server, self._path)
        except ValueError as error:
            return _failed(ForwardError(f"{server} cannot be reached: {error}", url=server))
        queue = self._queues.pop(url, None)
        if queue is None:
            queue = self._open(url)
        self._queues[url] = queue  # the last one used is the last
        return queue.put(message)

    async def close(self) -> None:
        """Send what waits, and close the connections to other servers."""
        queues, self._queues = self._queues, {}
        if queues:
            await asyncio.gather(*(queue.close() for queue in queues.values()))
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def dropped(self) -> int:
        """How many messages found no room in a queue."""
        return self._dropped + sum(queue.dropped for queue in self._queues.values())

    def _open(self, url: str) -> ServerQueue:
        if len(self._queues) >= MOST:
            for other in [url for url, queue in self._queues.items() if queue.is_idle][: MOST // 2]:
                self._dropped += self._queues.pop(other).dropped
        return ServerQueue(
            url,
            partial(self._request, url),
            self._primus.options.clock,
            room=self._settings.forward_queue,
            timeout=self._settings.forward_timeout,
            told=self._told,
        )

    def _told(self, url: str, taken: bool) -> None:
        if not taken:
            if self._away.begins(url):
                self._failed()
            return
        self._away.ends(url)
        if self.outages.ends(url):
            log.info("omega-supreme: %s takes messages again", url)

    async def _request(self, url: str, body: bytes) -> Answer:
        if self._session is None:
            self._session = open_session(
                # There is one request for each server at a time.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT)
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
            answer = await read_up_to(response, LONGEST_ANSWER)
            return Answer(response.status, answer, BATCH_HEADER in response.headers)


def _failed(error: ForwardError) -> asyncio.Future[int]:
    failed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    failed.set_exception(error)
    failed.exception()
    return failed
