"""Client classes, each made for one kind of server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from primus.client.profile import ServerProfile, extensions, make_ark
from primus.connection import Connection
from primus.options import plugin_names
from primus.parser import Parser
from primus.registry import check_frames, parser_named, plugins_named, transformer_named
from primus.requirements import needing
from primus.transformer import Transformer

__all__ = ["fitted", "socket_class"]

SocketKind = TypeVar("SocketKind", bound=Connection)


def fitted(
    base: type[SocketKind],
    *,
    transformer: Any = "websockets",
    parser: Any = "json",
    plugin: Any = None,
    pathname: str = "/primus",
    **facts: Any,
) -> type[SocketKind]:
    """A subclass of `base` for servers with this transformer, parser and pathname.

    Finding what is installed takes milliseconds, so classes without plugins are remembered.

    Args:
        base: the class to derive from.
        transformer: its name, or the class.
        parser: its name, or the object.
        plugin: the plugins, in any form that the option ``plugin`` takes.
        pathname: where Primus lives on the server.
        facts: more for `socket_class`.

    Raises:
        PluginError: a transformer, parser or plugin is unknown, broken or invalid.
    """
    if not plugin and isinstance(transformer, str) and isinstance(parser, str):
        known: Any = base  # a class is hashable, whatever mypy takes its metaclass for
        return _plain(known, transformer, parser, pathname, tuple(sorted(facts.items())))
    return socket_class(
        base,
        transformer=transformer_named(transformer)[1],
        parser=parser_named(parser)[1],
        plugins=plugins_named(plugin_names(plugin)),
        pathname=pathname,
        **facts,
    )


@lru_cache(maxsize=64)
def _plain(
    base: type[SocketKind], transformer: str, parser: str, pathname: str, facts: tuple[Any, ...]
) -> type[SocketKind]:
    return socket_class(
        base,
        transformer=transformer_named(transformer)[1],
        parser=parser_named(parser)[1],
        plugins={},
        pathname=pathname,
        **dict(facts),
    )


def socket_class(
    base: type[SocketKind],
    *,
    transformer: type[Transformer],
    parser: Parser,
    plugins: Mapping[str, Any],
    pathname: str = "/primus",
    ping_timeout: float | None = 45.0,
    authorization: bool = False,
    timeout: float | None = None,
    pings: bool = False,
) -> type[SocketKind]:
    """The client class that fits a server.

    Args:
        base: the class to derive from: `Socket`, or a class of its kind.
        transformer: its transformer, whose Python client half is used.
        parser: its parser.
        plugins: its plugins by name, whose Python client halves are used.
        pathname: where Primus lives on it.
        ping_timeout: how long it may go without a ping, in seconds, once it has pinged.
        authorization: whether it may refuse clients.
        timeout: after how many seconds of silence it ends a connection, when that is known.
        pings: whether it is known to ping its clients.

    Raises:
        OptionError: the transformer does not carry the frames of the parser.
        PluginError: a plugin is invalid, or the transformer has no Python client half.
        MissingLibraryError: the client half needs a library that is not installed.
    """
    check_frames(transformer, parser)
    ark = make_ark(plugins)
    with needing(f"the client of the transformer {transformer.name!r}"):
        connector = transformer.connector()
    profile = ServerProfile(
        connector=connector,
        parser=parser,
        transformer_name=transformer.name,
        pathname=pathname,
        ark=ark,
        ping_timeout=ping_timeout,
        timeout=timeout,
        pings=pings,
        authorization=authorization,
    )
    attributes = {
        "__module__": base.__module__,
        "__doc__": base.__doc__,
        "events": base.events.copy(),
        "profile": profile,
        "overtaking_hooks": ark.collect("primus_overtakes"),
        "loss_hooks": ark.collect("primus_lost"),
        "latency_hooks": ark.collect("primus_latency"),
        "control_hooks": ark.collect("primus_control"),
        **extensions(ark, base),
    }
    return type(base.__name__, (base,), attributes)
