"""The options of a server, with their defaults and their checks.

Durations are in seconds and sizes in bytes. `None` or `False` disables what a duration stands
for. An unknown option is an error that names the closest one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from primus import option_checks as checks
from primus.clock import SYSTEM_CLOCK, Clock
from primus.errors import OptionError
from primus.heartbeat import Generation
from primus.limits import Limits
from primus.option_checks import Network

__all__ = [
    "MIB",
    "NAMES",
    "Network",
    "ServerOptions",
    "SlowConsumer",
    "checked",
    "plugin_names",
    "server_options",
]

SlowConsumer = Literal["disconnect", "drop", "buffer"]

KIB: Final = 1 << 10
MIB: Final = 1 << 20
TIMEOUT: Final = 35.0
PING_INTERVAL: Final = 30.0
DAYS: Final = 86_400.0
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

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


class ServerOptions:
    """What `Primus(server, **options)` takes; docs/options.md explains each.

    Args:
        given: the options that are not as they are by default.
    """

    authorization: Callable[..., Any] | None = None
    pathname: str = "/primus"
    parser: Any = "json"
    transformer: Any = "websockets"
    plugin: Any = None
    timeout: float | None = TIMEOUT
    ping_interval: float | None = PING_INTERVAL
    heartbeat: Generation = Generation.UNKNOWN
    global_name: str = "Primus"
    minify: bool = not sys.flags.dev_mode
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
    transport: Mapping[str, Any] = NOTHING
    high_water: int = MIB
    slow_consumer: SlowConsumer = "disconnect"
    handshake_timeout: float | None = 10.0
    max_head: int = 16 * KIB
    write_timeout: float | None = 30.0
    slow_listener: float | None = 0.1
    max_sparks: int | None = None
    iknowhttpsisbetter: bool = False
    clock: Clock = SYSTEM_CLOCK
    extra: Mapping[str, Any] = NOTHING
    """The options that plugins have declared by ``primus_options``."""

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)

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


def server_options(
    given: Mapping[str, Any],
    extra: Mapping[str, Any],
    plugin_of: Callable[[str], str] = lambda option: "",
    arguments: Iterable[str] = (),
) -> ServerOptions:
    """The options of a server.

    Args:
        given: what the user gave, by name.
        extra: the options that plugins add, with their defaults.
        plugin_of: the plugin to which an unknown option seems to belong; empty for none.
        arguments: what may be given beside the options, for the message about an unknown one.

    Raises:
        OptionError: an option is unknown, or its value cannot work.
    """
    given = {"trusted_proxies": PRIVATE_NETWORKS, **given}
    options = ServerOptions(**checked(given, extra, _SERVER, plugin_of, arguments))
    if "ping_interval" not in given and options.timeout is not None:
        # A client that is to be given up sooner has to be asked sooner.
        options.ping_interval = min(PING_INTERVAL, options.timeout * PING_INTERVAL / TIMEOUT)
    return options


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


def checked(
    given: Mapping[str, Any],
    extra: Mapping[str, Any],
    table: Mapping[str, Callable[[str, Any], Any]],
    plugin_of: Callable[[str], str] = lambda option: "",
    arguments: Iterable[str] = (),
) -> dict[str, Any]:
    """The options that are given, each in its proper form, and ``extra``.

    Args:
        given: what the user gave, by name.
        extra: the options that plugins add, with their defaults.
        table: what checks each option.
        plugin_of: the plugin to which an unknown option seems to belong; empty for none.
        arguments: what may be given beside the options, for the message about an unknown one.

    Raises:
        OptionError: an option is unknown, or its value cannot work.
    """
    chosen: dict[str, Any] = {}
    others: dict[str, Any] = dict(extra)
    for name, value in given.items():
        if name in table:
            chosen[name] = table[name](name, value)
        elif name in others:
            others[name] = value
        else:
            known = [*table, *others]
            raise OptionError(checks.unknown(name, known, plugin_of(name), arguments=arguments))
    return {**chosen, "extra": others}


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
    "minify": checks.flag,
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

NAMES: Final = frozenset(_SERVER)
"""The options of a server, without those that plugins add."""
