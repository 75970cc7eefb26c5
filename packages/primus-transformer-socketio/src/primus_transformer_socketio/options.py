"""The ``transport`` options of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from primus import option_checks as checks
from primus.errors import OptionError
from primus.websocket import CLOSE_TIMEOUT
from primus_transformer_socketio.routes import HTMLFILE, JSONP, WEBSOCKET, XHR

if TYPE_CHECKING:
    from primus.contracts import Server

__all__ = ["SocketIOOptions"]

PAYLOAD_FACTOR: Final = 4
"""Clients post all that they have at once."""

TRANSPORTS: Final = (WEBSOCKET, HTMLFILE, XHR, JSONP)
"""All that there are, in the order in which clients should try them."""


@dataclass(frozen=True, slots=True)
class SocketIOOptions:
    """What a server has to know; the docstring of the package explains each option."""

    max_length: int
    max_payload: int
    transports: tuple[str, ...] = (WEBSOCKET, XHR)
    heartbeat_interval: float = 25.0
    heartbeat_timeout: float = 60.0
    poll_duration: float = 20.0
    poll_timeout: float = 60.0
    linger: float = 1.0
    handshake_timeout: float = 30.0
    max_handshakes: int = 10_000
    body_timeout: float = 30.0
    close_timeout: float = CLOSE_TIMEOUT
    max_packets: int = 100_000
    max_sessions: int = 10_000

    @classmethod
    def of(cls, primus: Server) -> SocketIOOptions:
        """The options of a server.

        Raises:
            OptionError: one is unknown, or cannot work.
        """
        names = [field.name for field in fields(cls) if field.name in CHECKS]
        length = primus.options.max_length
        chosen: dict[str, Any] = {"max_payload": PAYLOAD_FACTOR * length + 1024}
        for name, value in primus.options.transport.items():
            if name not in CHECKS:
                raise OptionError("transport: " + checks.unknown(name, names))
            chosen[name] = CHECKS[name](f"transport {name}", value)
        options = cls(max_length=length, **chosen)
        if options.poll_duration >= options.poll_timeout:
            raise OptionError(
                f"transport: poll_duration={options.poll_duration:g} must be less than "
                f"poll_timeout={options.poll_timeout:g}: clients expect an answer within that"
            )
        return options

    @property
    def shortest(self) -> float:
        """The shortest time that anything waits for."""
        return min(
            self.heartbeat_interval,
            self.heartbeat_timeout,
            self.poll_duration,
            self.poll_timeout,
            self.linger,
            self.handshake_timeout,
        )

    def told(self, key: str) -> str:
        """The answer to a handshake."""
        transports = ",".join(self.transports)
        return f"{key}:{self.heartbeat_timeout:g}:{self.poll_timeout:g}:{transports}"


def _transports(name: str, value: Any) -> tuple[str, ...]:
    chosen = {value} if isinstance(value, str) else set(value) if _is_several(value) else set()
    if not chosen or chosen - set(TRANSPORTS):
        raise OptionError(f"{name}={value!r}: must be some of {', '.join(TRANSPORTS)}")
    return tuple(transport for transport in TRANSPORTS if transport in chosen)


def _is_several(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(
        isinstance(each, str) for each in value
    )


CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "transports": _transports,
    "heartbeat_interval": checks.period,
    "heartbeat_timeout": checks.period,
    "poll_duration": checks.period,
    "poll_timeout": checks.period,
    "linger": checks.period,
    "handshake_timeout": checks.period,
    "max_handshakes": checks.whole,
    "body_timeout": checks.period,
    "close_timeout": checks.seconds,
    "max_payload": checks.size,
    "max_packets": checks.whole,
    "max_sessions": checks.whole,
}
