"""The ``transport`` options of a SockJS server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from primus import option_checks as checks
from primus.errors import OptionError
from primus.websocket import CLOSE_TIMEOUT

if TYPE_CHECKING:
    from primus.contracts import Server

__all__ = ["SockJSOptions"]


@dataclass(frozen=True, slots=True)
class SockJSOptions:
    """What a SockJS server can be told. Durations are in seconds, sizes in bytes.

    ``heartbeat_delay`` is how long a wire may be silent before the server says something;
    `None` for ever. ``pong_timeout`` is how long a WebSocket gets to answer that.
    ``disconnect_delay`` is how long a session lives without a request that receives.
    ``response_limit`` ends a streamed answer, so that browsers can let go of it.
    ``max_payload`` and ``max_messages`` bound what comes at once, ``body_timeout`` how long it may
    take, and ``max_sessions`` how many sessions there are that are no WebSockets.
    ``close_timeout`` is how long clients get to take their leave when the server ends.
    ``deflate`` is for the WebSocket engine.
    """

    max_payload: int
    heartbeat_delay: float | None = 25.0
    pong_timeout: float = 10.0
    disconnect_delay: float = 5.0
    response_limit: int = 128 * 1024
    websocket: bool = True
    jsonp: bool = False
    jsessionid: bool = False
    sockjs_url: str = ""
    base_url: str = ""
    max_messages: int = 10_000
    max_sessions: int = 10_000
    body_timeout: float = 30.0
    close_timeout: float = CLOSE_TIMEOUT
    deflate: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, primus: Server, transport: Mapping[str, Any]) -> SockJSOptions:
        """The options of a Primus, from its ``transport``.

        Raises:
            OptionError: an option is unknown, or its value cannot work.
        """
        names = [field.name for field in fields(cls)]
        chosen: dict[str, Any] = {"max_payload": PAYLOADS * primus.options.max_length}
        for name, value in transport.items():
            if name not in CHECKS:
                raise OptionError("transport: " + checks.unknown(name, names))
            chosen[name] = CHECKS[name](f"transport {name}", value)
        return cls(**chosen)


PAYLOADS: Final = 8
"""How many of the longest messages fit into one payload; JSON makes some of them longer."""


def _address(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise OptionError(f"{name}={value!r}: must be a text")
    return value


CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "max_payload": checks.size,
    "heartbeat_delay": checks.duration,
    "pong_timeout": checks.period,
    "disconnect_delay": checks.period,
    "response_limit": checks.size,
    "websocket": checks.flag,
    "jsonp": checks.flag,
    "jsessionid": checks.flag,
    "sockjs_url": _address,
    "base_url": _address,
    "max_messages": checks.whole,
    "max_sessions": checks.whole,
    "body_timeout": checks.period,
    "close_timeout": checks.seconds,
    "deflate": checks.mapping,
}
