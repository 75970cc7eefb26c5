"""The ``transport`` options of the server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from primus import option_checks as checks
from primus.errors import OptionError

if TYPE_CHECKING:
    from primus.contracts import Server

__all__ = ["POLLING", "WEBSOCKET", "EngineIOOptions"]

POLLING: Final = "polling"
WEBSOCKET: Final = "websocket"

PAYLOAD_FACTOR: Final = 4
"""Clients of revision 3 post all they have at once, and text of theirs may be encoded twice."""

DEFAULTS: Final[dict[str, Any]] = {
    "transports": (POLLING, WEBSOCKET),
    "revisions": (3, 4),
    "ping_interval": 25.0,
    "ping_timeout": 20.0,
    "upgrade_timeout": 10.0,
    "body_timeout": 30.0,
    "poll_timeout": 30.0,
    "close_timeout": 5.0,
    "max_payload": None,
    "max_packets": 100_000,
    "max_sessions": 10_000,
    "cookie": None,
    "jsonp": False,
}


@dataclass(frozen=True, slots=True)
class EngineIOOptions:
    """What a server has to know; the module's docstring explains each option."""

    transports: tuple[str, ...]
    revisions: tuple[int, ...]
    ping_interval: float
    ping_timeout: float
    upgrade_timeout: float
    body_timeout: float
    poll_timeout: float
    close_timeout: float
    max_length: int
    max_payload: int
    max_packets: int
    max_sessions: int
    cookie: Mapping[str, Any] | None
    jsonp: bool

    @classmethod
    def of(cls, primus: Server) -> EngineIOOptions:
        """The options of a server.

        Raises:
            OptionError: one is unknown, or cannot work.
        """
        given = primus.options.transport
        if unknown := set(given) - set(DEFAULTS):
            raise OptionError(
                f"transport={dict(given)!r}: unknown {', '.join(sorted(unknown))}; the engine.io "
                f"transformer takes {', '.join(sorted(DEFAULTS))}"
            )
        chosen = {**DEFAULTS, **given}
        if chosen["max_payload"] is None:
            chosen["max_payload"] = PAYLOAD_FACTOR * primus.options.max_length + 1024
        return cls(
            transports=_some("transports", chosen["transports"], (POLLING, WEBSOCKET)),
            revisions=_some("revisions", chosen["revisions"], (3, 4)),
            cookie=_cookie(chosen["cookie"]),
            jsonp=bool(chosen["jsonp"]),
            max_length=primus.options.max_length,
            max_payload=checks.size("transport: max_payload", chosen["max_payload"]),
            max_packets=checks.whole("transport: max_packets", chosen["max_packets"]),
            max_sessions=checks.whole("transport: max_sessions", chosen["max_sessions"]),
            ping_interval=checks.period("transport: ping_interval", chosen["ping_interval"]),
            ping_timeout=checks.period("transport: ping_timeout", chosen["ping_timeout"]),
            upgrade_timeout=checks.period("transport: upgrade_timeout", chosen["upgrade_timeout"]),
            body_timeout=checks.period("transport: body_timeout", chosen["body_timeout"]),
            poll_timeout=checks.period("transport: poll_timeout", chosen["poll_timeout"]),
            close_timeout=checks.period("transport: close_timeout", chosen["close_timeout"]),
        )

    @property
    def shortest(self) -> float:
        """The shortest time that anything waits for."""
        return min(self.ping_interval, self.ping_timeout, self.upgrade_timeout, self.poll_timeout)

    def handshake(self, sid: str, revision: int, *, upgrades: bool) -> str:
        """What a client is told when its session opens, as JSON; times are in milliseconds."""
        told: dict[str, Any] = {
            "sid": sid,
            "upgrades": [WEBSOCKET] if upgrades and WEBSOCKET in self.transports else [],
            "pingInterval": round(self.ping_interval * 1000),
            "pingTimeout": round(self.ping_timeout * 1000),
        }
        if revision == 4:
            told["maxPayload"] = self.max_length
        return json.dumps(told, separators=(",", ":"))


def _some(name: str, value: Any, all_there_are: tuple[Any, ...]) -> tuple[Any, ...]:
    chosen = tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)
    if not chosen or set(chosen) - set(all_there_are):
        raise OptionError(f"transport: {name}={value!r}: must be some of {all_there_are}")
    return chosen


def _cookie(value: Any) -> Mapping[str, Any] | None:
    if value is None or value is False:
        return None
    if value is True:
        return {"name": "io"}
    if isinstance(value, str) and value:
        return {"name": value}
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return value
    raise OptionError(f"transport: cookie={value!r}: must be a name, or a mapping with a name")
