"""How many connections a server takes: the option ``max_sparks``."""

from __future__ import annotations

import logging
from collections.abc import Callable

from primus.clock import Clock
from primus.errors import ServerFullError
from primus.http import Request
from primus.limits import Limits

__all__ = ["Seats"]


class Seats:
    """The requests that are about to become connections, and whether there may be more.

    A request is given a seat before any layer runs, so that requests whose authorization takes
    time cannot become more connections than there may be. It gives the seat up when its
    connection is counted, or when it is refused.

    Args:
        limits: ``max_sparks`` is the limit; `None` for none.
        connected: how many connections there are.
        clock: tells when a refusal may be logged again.
        log: where refusals are logged.
    """

    def __init__(
        self,
        limits: Limits,
        connected: Callable[[], int],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._limits = limits
        self._connected = connected
        self._clock = clock
        self._log = log
        self._taken: set[Request] = set()
        self._warned_at: float | None = None

    def take(self, request: Request) -> bool:
        """Give a request a seat; False when there is none left."""
        most = self._limits.max_sparks
        if most is None:
            return True
        if self._connected() + len(self._taken) >= most:
            self._warn(most)
            return False
        self._taken.add(request)
        return True

    def leave(self, request: Request) -> None:
        """Free the seat of a request, if it has one."""
        self._taken.discard(request)

    def admit(self, request: Request) -> None:
        """Free the seat of a request whose connection is counted from now on.

        Raises:
            ServerFullError: it has no seat, and there is none left.
        """
        if self._limits.max_sparks is None:
            return
        if request not in self._taken and not self.take(request):
            raise ServerFullError(
                f"the server has its {self._limits.max_sparks} connections (max_sparks)"
            )
        self._taken.discard(request)

    def _warn(self, most: int) -> None:
        now = self._clock.time()
        if self._warned_at is None or now - self._warned_at >= self._limits.warning_interval:
            self._warned_at = now
            self._log.warning(
                "max_sparks=%d: a connection was refused, since there are so many; "
                "raise max_sparks, or run more servers",
                most,
            )
