"""`Chaos`: the trouble that one Primus, or one Socket, is in."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from random import Random
from typing import Any

from primus import Packet, Request, Response
from primus.clock import Clock
from primus.connection import OPEN
from primus_chaos.options import CHECKS, DEFAULTS, seed
from primus_chaos.waiting import Waiting

__all__ = ["Chaos"]


class Chaos:
    """Network trouble, and how much of it there was. All settings can be changed at any time.

    Args:
        options: those of the plugin, by their full names; others are ignored.
        clock: what the delays and cuts are timed by.

    Raises:
        OptionError: a setting cannot work; when one is changed, too.
    """

    __slots__ = (
        "_random",
        "_waiting",
        "cut",
        "cuts",
        "delay",
        "delayed",
        "drop",
        "dropped",
        "enabled",
        "refuse",
        "refused",
    )

    delay: tuple[float, float]
    drop: float
    refuse: float
    cut: tuple[float, float] | None

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        chosen = {name: options.get(name, default) for name, default in DEFAULTS.items()}
        self.delay = chosen["chaos_delay"]
        self.drop = chosen["chaos_drop"]
        self.refuse = chosen["chaos_refuse"]
        self.cut = chosen["chaos_cut"]
        self.enabled = True
        """Whether there is any trouble."""
        self.delayed = 0
        """How many messages had to wait."""
        self.dropped = 0
        """How many messages were swallowed."""
        self.refused = 0
        """How many requests and upgrades were refused."""
        self.cuts = 0
        """How many connections were cut."""
        self._random = Random(seed("chaos_seed", chosen["chaos_seed"]))
        self._waiting = Waiting(clock)

    def __setattr__(self, name: str, value: Any) -> None:
        check = CHECKS.get(name)
        super().__setattr__(name, value if check is None else check(f"chaos_{name}", value))

    def __repr__(self) -> str:
        return (
            f"<Chaos enabled={self.enabled} delay={self.delay} drop={self.drop} "
            f"refuse={self.refuse} cut={self.cut}>"
        )

    @property
    def waiting(self) -> int:
        """How many messages and cuts wait for their time now."""
        return len(self._waiting)

    # -- transforms

    def incoming(self, packet: Packet, connection: Any) -> Awaitable[bool | None] | bool | None:
        """Drop a message that waits while its connection ends, as on a real network."""
        return self._trouble(connection, loses=True)

    def outgoing(self, packet: Packet, connection: Any) -> Awaitable[bool | None] | bool | None:
        """Send a message that waits while its connection ends: it was written before."""
        return self._trouble(connection, loses=False)

    def _trouble(self, connection: Any, *, loses: bool) -> Awaitable[bool | None] | bool | None:
        if not self.enabled:
            return None
        if self._happens(self.drop):
            self.dropped += 1
            return False
        # What is written before opening waits anyhow, and what is written before an end must
        # not hold up the end.
        if not self.delay[1] or connection.ready_state != OPEN:
            return None
        self.delayed += 1
        return self._waiting.delay(connection, self._random.uniform(*self.delay), loses=loses)

    def _happens(self, probability: float) -> bool:
        """Throw the dice, though not for what never happens."""
        return probability > 0 and self._random.random() < probability

    # -- requests and connections

    def layer(self, request: Request) -> Response | None:
        """Refuse a request or an upgrade, or let it pass."""
        if not self.enabled or not self._happens(self.refuse):
            return None
        self.refused += 1
        return Response.error(503)

    def connected(self, connection: Any) -> None:
        """Draw the time after which the connection is cut."""
        if self.enabled and self.cut is not None and connection.ready_state == OPEN:
            seconds = self._random.uniform(*self.cut)
            self._waiting.call(connection, seconds, lambda: self._time_is_up(connection))

    def _time_is_up(self, connection: Any) -> None:
        if self.enabled:
            connection.cut()

    def disconnected(self, connection: Any) -> None:
        """Forget a connection that has ended."""
        self._waiting.release(connection, lost=True)

    def stop(self) -> None:
        """Cause no more trouble: what waits goes on at once, and nothing is cut."""
        self.enabled = False
        self._waiting.release_all()
