"""The options of a client, with their defaults and their checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from primus import option_checks as checks
from primus.clock import SYSTEM_CLOCK, Clock
from primus.limits import Limits
from primus.options import MIB, checked
from primus.recovery import Backoff

__all__ = ["ClientOptions", "client_options"]


@dataclass(slots=True)
class ClientOptions:
    """What `Socket(url, **options)` takes; docs/options.md explains each."""

    reconnect: Backoff = field(default_factory=Backoff)
    timeout: float | None = 10.0
    ping: float | None = 25.0
    pong: float | None = 10.0
    ping_timeout: float | None = 45.0
    strategy: frozenset[str] | None = None
    manual: bool = False
    network: Any = None
    transport: Mapping[str, Any] = field(default_factory=dict)
    queue_size: float = math.inf
    max_length: int = MIB
    high_water: int = MIB
    compression: bool = False
    clock: Clock = SYSTEM_CLOCK
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Options that only plugins read."""

    def limits(self) -> Limits:
        """What one server may cost."""
        return Limits(max_length=self.max_length, high_water=self.high_water)


def client_options(given: Mapping[str, Any], extra: Iterable[str] = ()) -> ClientOptions:
    """The options of a client.

    Args:
        given: what the user gave, by name.
        extra: names of further options, which only plugins read.

    Raises:
        OptionError: an option is unknown, or its value cannot work.
    """
    known = {name: given[name] for name in extra if name in given}
    return ClientOptions(**checked(given, known, _CLIENT))


_CLIENT: Final[dict[str, Callable[[str, Any], Any]]] = {
    "reconnect": checks.backoff,
    "timeout": checks.duration,
    "ping": checks.duration,
    "pong": checks.duration,
    "ping_timeout": checks.duration,
    "strategy": checks.strategy,
    "manual": checks.flag,
    "network": checks.anything,
    "transport": checks.transport,
    "queue_size": checks.count,
    "max_length": checks.size,
    "high_water": checks.size,
    "compression": checks.flag,
    "clock": checks.anything,
}
