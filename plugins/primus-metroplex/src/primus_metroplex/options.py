"""The options of the plugin, and their checks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from primus import OptionError, ServerOptions, hookimpl

__all__ = ["MetroplexOptions", "Settings", "address_of", "primus_options", "settings"]

LONGEST: Final = 86_400.0
"""A lease of more than a day is one in milliseconds."""

DEFAULTS: Final = {
    "redis": None,
    "namespace": "metroplex",
    "interval": 300.0,
    "latency": 2.0,
    "address": None,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The options in their proper form; durations are in seconds."""

    redis: Any
    namespace: str
    interval: float
    latency: float
    address: str | None


class MetroplexOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``metroplex``."""

    redis: object
    namespace: str
    interval: float
    latency: float
    address: str | None


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``redis``, ``namespace``, ``interval``, ``latency`` and ``address``."""
    return DEFAULTS


def settings(given: Mapping[str, Any]) -> Settings:
    """The settings among the options of a Primus.

    Raises:
        OptionError: one of them cannot work.
    """
    chosen = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    namespace = chosen["namespace"]
    if not isinstance(namespace, str) or not namespace:
        raise OptionError(f"namespace={namespace!r}: must be a non-empty text")
    interval, latency = (_seconds(name, chosen[name]) for name in ("interval", "latency"))
    if latency >= interval:
        raise OptionError(f"latency={latency!r}: must be less than interval={interval!r}")
    address = chosen["address"]
    return Settings(
        redis=_client(chosen["redis"]),
        namespace=namespace,
        interval=interval,
        latency=latency,
        address=None if address is None else address_of(address),
    )


def address_of(value: Any) -> str:
    """The address of a server in the form in which all know it: no path, no slash at the end.

    Raises:
        OptionError: it is no such address.
    """
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise OptionError(
            f"address={value!r}: must be where the other servers reach this one, such as "
            "'http://10.0.0.2:8080'"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _seconds(name: str, value: Any) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not 0 < value <= LONGEST:
        raise OptionError(f"{name}={value!r}: must be seconds > 0, and no more than a day")
    return float(value)


def _client(value: Any) -> Any:
    """`None`, a URL, or a client whose commands are awaited."""
    if value is None or (isinstance(value, str) and "://" in value):
        return value
    command = getattr(value, "execute_command", None)
    if not inspect.iscoroutinefunction(command) or not hasattr(value, "register_script"):
        raise OptionError(
            f"redis={value!r}: must be a client of redis.asyncio, or a URL such as "
            "'redis://localhost'"
        )
    return value
