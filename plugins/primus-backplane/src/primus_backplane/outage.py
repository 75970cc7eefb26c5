"""What is logged of a bus that is away: two lines for each outage, however often it is noticed.

There is a third one when a broker that could not be reached can be, and refuses.
"""

from __future__ import annotations

import logging
from typing import Final

from primus.clock import Clock

__all__ = ["Outage"]

REFUSALS: Final = frozenset(
    {
        "AuthenticationError",
        "AuthorizationError",
        "NoPermissionError",
        "OutOfMemoryError",
        "ReadOnlyError",
        "RefusedError",
        "ResponseError",
        "ServiceUnavailableError",
    }
)
"""Errors of a broker that answers; waiting alone does not help against those."""


class Outage:
    """Whether the bus is there, and since when it is not.

    Args:
        name: what the lines call the bus.
        log: where they go.
        clock: what tells the time.
    """

    def __init__(self, name: str, log: logging.Logger, clock: Clock) -> None:
        self._name = name
        self._log = log
        self._clock = clock
        self._since: float | None = None
        self._refuses = False
        """Whether there is a line that says that the broker answers, and refuses."""
        self._dropped = 0
        self._delivered_alone = 0

    @property
    def is_on(self) -> bool:
        """Whether the bus is away."""
        return self._since is not None

    def begin(self, why: str) -> bool:
        """Take note that the bus does not answer; whether that is new.

        Args:
            why: the name of an error, and what it says behind a colon.
        """
        refuses, told = why.partition(":")[0] in REFUSALS, self._refuses
        self._refuses |= refuses
        if self._since is not None:
            if refuses and not told:
                self._log.warning("%s can be reached again, but refuses (%.200s)", self._name, why)
            return False
        self._since = self._clock.time()
        self._log.warning(
            "%s is away (%.200s); messages for other servers wait for it", self._name, why
        )
        return True

    def end(self) -> bool:
        """Take note that it answers; whether that is new."""
        if self._since is None:
            return False
        self._log.warning(
            "%s is back after %.1f s; %d messages were dropped, %d ordered ones delivered alone",
            self._name,
            self._clock.time() - self._since,
            self._dropped,
            self._delivered_alone,
        )
        self._since, self._dropped, self._delivered_alone = None, 0, 0
        self._refuses = False
        return True

    def dropped(self, count: int) -> None:
        """Take note that messages were dropped that waited for the bus."""
        self._dropped += count

    def delivered_alone(self, count: int) -> None:
        """Take note that ordered messages did not wait any longer."""
        self._delivered_alone += count
