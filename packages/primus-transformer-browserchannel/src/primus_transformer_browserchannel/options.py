"""The ``transport`` options of a BrowserChannel server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from primus import option_checks as checks
from primus.errors import OptionError

if TYPE_CHECKING:
    from primus.contracts import Server

__all__ = ["BrowserChannelOptions"]


@dataclass(frozen=True, slots=True)
class BrowserChannelOptions:
    """What a BrowserChannel server can be told. Durations are in seconds, sizes in bytes.

    ``keepalive_interval`` is how long a back channel may be silent before the server says
    something; clients give up after 45 seconds. ``session_timeout`` is how long a session lives
    without a back channel. ``response_limit`` ends a streamed answer, so that the client opens the
    next one, and so says what it has received. ``max_payload`` and ``max_maps`` bound one post,
    ``max_ahead`` what may wait for an earlier one that is missing, ``body_timeout`` how long a post
    may take, and ``max_sessions`` how many sessions there are. ``close_timeout`` is how long
    clients get to fetch what they were sent when the server ends.
    """

    max_payload: int
    keepalive_interval: float = 20.0
    session_timeout: float = 30.0
    response_limit: int = 10 * 1024
    max_maps: int = 1000
    max_ahead: int = 100
    max_sessions: int = 10_000
    body_timeout: float = 30.0
    close_timeout: float = 5.0

    @classmethod
    def of(cls, primus: Server) -> BrowserChannelOptions:
        """The options of a Primus, from its ``transport``.

        Raises:
            OptionError: an option is unknown, or its value cannot work.
        """
        names = [field.name for field in fields(cls)]
        chosen: dict[str, Any] = {"max_payload": PAYLOADS * primus.options.max_length + 1024}
        for name, value in primus.options.transport.items():
            if name not in CHECKS:
                raise OptionError("transport: " + checks.unknown(name, names))
            chosen[name] = CHECKS[name](f"transport {name}", value)
        return cls(**chosen)


PAYLOADS: Final = 12
"""How many of the longest messages fit into one post; a form turns one byte into three at worst."""


CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "max_payload": checks.size,
    "keepalive_interval": checks.period,
    "session_timeout": checks.period,
    "response_limit": checks.size,
    "max_maps": checks.whole,
    "max_ahead": checks.whole,
    "max_sessions": checks.whole,
    "body_timeout": checks.period,
    "close_timeout": checks.seconds,
}
