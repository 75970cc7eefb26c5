"""The options of the three plugins, and their checks (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from primus import OptionError, ServerOptions

__all__ = [
    "Channel",
    "ClusterOptions",
    "ClusterSettings",
    "RedisOptions",
    "RedisRoomsOptions",
    "RedisSettings",
    "Shared",
    "channel",
    "shared",
]

SCHEMES: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
}
LOCAL: Final = "redis://localhost:6379"
PREFIX: Final = "primus-cluster:"
CHANNEL: Final = "primus"
DAY: Final = 86_400


class ClusterSettings(TypedDict, total=False):
    """What users may put into the option ``cluster``; ``ttl`` is in seconds."""

    redis: str
    prefix: str
    channel: str
    ttl: int


class RedisSettings(TypedDict, total=False):
    """What users may put into the options ``redis`` and ``redis_rooms``."""

    url: str
    channel: str


class ClusterOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``cluster``."""

    cluster: ClusterSettings


class RedisOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``redis``."""

    redis: RedisSettings | str


class RedisRoomsOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``redis-rooms``."""

    redis_rooms: RedisSettings | str


@dataclass(frozen=True, slots=True)
class Shared:
    """The option ``cluster`` in its proper form; ``ttl`` is in seconds."""

    url: str
    prefix: str
    channel: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Channel:
    """The options ``redis`` and ``redis_rooms`` in their proper form."""

    url: str
    channel: str


def shared(value: Any) -> Shared:
    """The settings in the option ``cluster``.

    Raises:
        OptionError: one of them is unknown, or cannot work.
    """
    given = _mapping("cluster", value, ("redis", "prefix", "channel", "ttl"))
    prefix = _text("cluster", "prefix", given.get("prefix", PREFIX), empty=True)
    ttl = given.get("ttl", DAY)
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 1 <= ttl <= 365 * DAY:
        raise OptionError(f"cluster: ttl={ttl!r}: must be a whole number of seconds > 0")
    return Shared(
        url=_url("cluster", "redis", given.get("redis", LOCAL)),
        prefix=prefix,
        channel=_text("cluster", "channel", given.get("channel", f"{prefix}pubsub")),
        ttl=ttl,
    )


def channel(option: str, value: Any) -> Channel:
    """The settings in the option ``redis`` or ``redis_rooms``; a URL alone is one.

    Raises:
        OptionError: one of them is unknown, or cannot work.
    """
    given = {"url": value} if isinstance(value, str) else value
    given = _mapping(option, given, ("url", "channel"))
    return Channel(
        url=_url(option, "url", given.get("url", LOCAL)),
        channel=_text(option, "channel", given.get("channel", CHANNEL)),
    )


def _mapping(option: str, value: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(name in known for name in value):
        raise OptionError(f"{option}={value!r}: must be a mapping with any of {', '.join(known)}")
    return value


def _url(option: str, name: str, value: Any) -> str:
    scheme, separator, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not separator or scheme not in SCHEMES:
        raise OptionError(f"{option}: {name}={value!r}: must be a URL such as 'redis://localhost'")
    return f"{SCHEMES[scheme]}://{rest}"


def _text(option: str, name: str, value: Any, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty) or "*" in value:
        raise OptionError(f"{option}: {name}={value!r}: must be a text without '*'")
    return value
