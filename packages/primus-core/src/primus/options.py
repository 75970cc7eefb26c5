"""The options of a server and of a client, with their defaults and their checks.

Durations are in seconds and sizes in bytes. `None` or `False` disables what a duration stands
for. An unknown option is an error that names the closest one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, TypeVar

from primus import option_checks as checks
from primus.clock import SYSTEM_CLOCK, Clock
from primus.errors import OptionError
from primus.heartbeat import Generation
from primus.limits import Limits
from primus.option_checks import Network
from primus.recovery import Backoff

__all__ = [
    "ClientOptions",
    "Network",
    "ServerOptions",
    "SlowConsumer",
    "client_options",
    "plugin_names",
    "server_options",
]

SlowConsumer = Literal["disconnect", "drop", "buffer"]
OptionSet = TypeVar("OptionSet", "ServerOptions", "ClientOptions")

KIB: Final = 1 << 10
MIB: Final = 1 << 20
TIMEOUT: Final = 35.0
PING_INTERVAL: Final = 30.0
DAYS: Final = 86_400.0

PRIVATE_NETWORKS: Final = (
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
)


@dataclass(slots=True)
class ServerOptions:
    """What `Primus(server, **options)` takes; docs/options.md explains each."""

    authorization: Callable[..., Any] | None = None
    pathname: str = "/primus"
    parser: Any = "json"
    transformer: Any = "websockets"
    plugin: Any = None
    timeout: float | None = TIMEOUT
    ping_interval: float | None = PING_INTERVAL
    heartbeat: Generation = Generation.UNKNOWN
    global_name: str = "Primus"
    compression: bool = False
    max_length: int = MIB
    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")
    credentials: bool = True
    max_age: float = 30 * DAYS
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    id_generator: Callable[[], str] | None = None
    node: str | None = None
    transport: Mapping[str, Any] = field(default_factory=dict)
    high_water: int = MIB
    slow_consumer: SlowConsumer = "disconnect"
    handshake_timeout: float | None = 10.0
    max_head: int = 16 * KIB
    write_timeout: float | None = 30.0
    slow_listener: float | None = 0.1
    max_sparks: int | None = None
    iknowhttpsisbetter: bool = False
    clock: Clock = SYSTEM_CLOCK
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The options that plugins have declared by ``primus_options``."""

    def limits(self) -> Limits:
        """What one peer may cost."""
        return Limits(
            max_length=self.max_length,
            high_water=self.high_water,
            handshake_timeout=self.handshake_timeout,
            max_head=self.max_head,
            write_timeout=self.write_timeout,
            max_sparks=self.max_sparks,
        )


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


def server_options(
    given: Mapping[str, Any],
    extra: Mapping[str, Any],
    plugin_of: Callable[[str], str] = lambda option: "",
) -> ServerOptions:
    """The options of a server.

    Args:
        given: what the user gave, by name.
        extra: the options that plugins add, with their defaults.
        plugin_of: the plugin to which an unknown option seems to belong; empty for none.

    Raises:
        OptionError: an option is unknown, or its value cannot work.
    """
    given = {"trusted_proxies": PRIVATE_NETWORKS, **given}
    options = _build(ServerOptions, given, extra, _SERVER, plugin_of)
    if "ping_interval" not in given and options.timeout is not None:
        # A client that is to be given up sooner has to be asked sooner.
        options.ping_interval = min(PING_INTERVAL, options.timeout * PING_INTERVAL / TIMEOUT)
    return options


def client_options(given: Mapping[str, Any], extra: Iterable[str] = ()) -> ClientOptions:
    """The options of a client.

    Args:
        given: what the user gave, by name.
        extra: names of further options, which only plugins read.

    Raises:
        OptionError: an option is unknown, or its value cannot work.
    """
    known = {name: given[name] for name in extra if name in given}
    return _build(ClientOptions, given, known, _CLIENT)


def plugin_names(plugin: Any) -> dict[str, Any]:
    """The plugins that the option ``plugin`` asks for, by name.

    Args:
        plugin: ``"rooms, emit"`` (commas or spaces), a list of names, or ``{name: plugin}``
            where a plugin that is a text is the name to look for.

    Raises:
        OptionError: it is none of these.
    """
    match plugin:
        case None:
            return {}
        case str():
            return dict.fromkeys(plugin.replace(",", " ").split())
        case Mapping():
            return dict(plugin)
        case list() | tuple() if all(isinstance(name, str) for name in plugin):
            return dict.fromkeys(plugin)
        case _:
            raise OptionError(
                f'plugin={plugin!r}: must be "a, b", a list of names, or a mapping of names'
            )


def _build(
    kind: type[OptionSet],
    given: Mapping[str, Any],
    extra: Mapping[str, Any],
    table: Mapping[str, Callable[[str, Any], Any]],
    plugin_of: Callable[[str], str] = lambda option: "",
) -> OptionSet:
    names: list[str] = [f.name for f in fields(kind) if f.name != "extra"]
    chosen: dict[str, Any] = {}
    others: dict[str, Any] = dict(extra)
    for name, value in given.items():
        if name in names:
            chosen[name] = table[name](name, value)
        elif name in others:
            others[name] = value
        else:
            raise OptionError(checks.unknown(name, [*names, *others], plugin_of(name)))
    return kind(**chosen, extra=others)


_SERVER: Final[dict[str, Callable[[str, Any], Any]]] = {
    "authorization": checks.authorization,
    "pathname": checks.pathname,
    "parser": checks.anything,
    "transformer": checks.anything,
    "plugin": checks.anything,
    "timeout": checks.duration,
    "ping_interval": checks.duration,
    "heartbeat": checks.generation,
    "global_name": checks.text,
    "compression": checks.flag,
    "max_length": checks.size,
    "origins": checks.origins,
    "methods": checks.methods,
    "credentials": checks.flag,
    "max_age": checks.seconds,
    "headers": checks.names,
    "exposed": checks.names,
    "trusted_proxies": checks.networks,
    "id_generator": checks.function,
    "node": checks.node,
    "transport": checks.mapping,
    "high_water": checks.size,
    "slow_consumer": checks.slow_consumer,
    "handshake_timeout": checks.duration,
    "max_head": checks.size,
    "write_timeout": checks.duration,
    "slow_listener": checks.duration,
    "max_sparks": checks.most,
    "iknowhttpsisbetter": checks.flag,
    "clock": checks.anything,
}

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
