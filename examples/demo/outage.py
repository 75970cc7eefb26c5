"""The listening socket of the demo, which its visitors can take away for a while."""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import web

from primus import Primus

REST = 5.0
"""Seconds that must pass between the end of one outage and the next."""

log = logging.getLogger("demo")


class Listener:
    """Listens, and stops doing so for some seconds when it is told to `drop`.

    An outage is a real one: nothing listens on the port, and every connection is closed.

    Args:
        runner: what is served.
        primus: whose connections an outage ends.
        host: the address, as for `aiohttp.web.TCPSite`.
        port: the port; 0 picks a free one, which is kept over outages.
        seconds: how long an outage lasts.
    """

    def __init__(
        self, runner: web.AppRunner, primus: Primus, host: str, port: int, seconds: float
    ) -> None:
        self.port = port
        self.seconds = seconds
        self._runner = runner
        self._primus = primus
        self._host = host
        self._site: web.TCPSite | None = None
        self._outage: asyncio.Task[None] | None = None
        self._rested = 0.0

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken, or the address is not one of this machine.
        """
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        self._site = site
        self.port = self._runner.addresses[0][1]

    @property
    def wait(self) -> float:
        """Seconds until `drop` works again; 0 when it does now."""
        if self._outage is not None:
            return self.seconds + REST
        return max(0.0, self._rested - time.monotonic())

    @property
    def away(self) -> bool:
        """Whether there is an outage."""
        return self._outage is not None

    def drop(self) -> None:
        """Begin an outage, unless it is too early for one."""
        if self.wait == 0:
            self._outage = asyncio.create_task(self._take_away())

    async def stop(self) -> None:
        """Listen no longer, and call off what was to end an outage."""
        if self._outage is not None:
            self._outage.cancel()
            await asyncio.wait([self._outage])
        if self._site is not None:
            await self._site.stop()

    async def _take_away(self) -> None:
        try:
            if self._site is not None:
                site, self._site = self._site, None
                await site.stop()
            for spark in self._primus:
                spark.end(reconnect=True)
            if self._runner.server is not None:
                for connection in self._runner.server.connections:  # those of HTTP
                    connection.force_close()
            await asyncio.sleep(self.seconds)
            await self._come_back()
        finally:
            self._outage = None
            self._rested = time.monotonic() + REST

    async def _come_back(self) -> None:
        while self._site is None:
            try:
                await self.start()
            except OSError as error:
                log.warning("cannot listen on port %d again yet: %s", self.port, error)
                await asyncio.sleep(1)
