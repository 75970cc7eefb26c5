"""The heartbeat of a client: it pings (revision 3), or waits for pings (revision 4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from primus_transformer_engineio.packets import PING

if TYPE_CHECKING:
    from primus_transformer_engineio.client_session import ClientSession

__all__ = ["ClientHeartbeat"]


class ClientHeartbeat:
    """Ends a session whose server is silent; durations are in seconds."""

    __slots__ = ("_interval", "_pings", "_seen", "_session", "_timeout", "_timer")

    def __init__(
        self, session: ClientSession, *, pings: bool, interval: float, timeout: float
    ) -> None:
        self._session = session
        self._pings = pings
        self._interval = interval
        self._timeout = timeout
        self._seen = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The session reads."""
        if self._pings:
            self._after(self._interval, self._ping)
        else:
            self._expect()

    def stop(self) -> None:
        """The session is over."""
        if self._timer is not None:
            self._timer.cancel()

    def seen(self) -> None:
        """A packet has come."""
        self._seen = True

    def pinged(self) -> None:
        """A ping has come."""
        if not self._pings:
            self._expect()

    def _ping(self) -> None:
        self._seen = False
        self._session.dispatch(PING)
        self._after(self._timeout, self._look)

    def _expect(self) -> None:
        """The server is to ping within an interval, and has some time for it."""
        self._seen = False
        self._after(self._interval + self._timeout, self._look)

    def _look(self) -> None:
        if self._seen or self._session.paused:
            self.start()
        else:
            self._session.over()

    def _after(self, delay: float, fn: object) -> None:
        self.stop()
        assert callable(fn)
        self._timer = asyncio.get_running_loop().call_later(delay, fn)
