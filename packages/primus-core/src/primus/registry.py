"""From a name in the options to the installed object, by entry point.

Installed distributions do nothing until they are named, and only the one that is named is
imported. A name that no distribution offers, a distribution that fails to import, and an object
that is no plugin are three errors, each with its cure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from primus.entry_points import EntryPoint, entry_points
from primus.errors import (
    BrokenPluginError,
    InvalidPluginError,
    OptionError,
    UnknownPluginError,
)
from primus.parser import Parser, is_binary, parser_name
from primus.plugins import valid_hook
from primus.requirements import install_line
from primus.transformer import Transformer

__all__ = [
    "HOST",
    "PARSER",
    "PLUGIN",
    "TRANSFORMER",
    "Kind",
    "check_frames",
    "find",
    "installed",
    "parser_named",
    "plugins_named",
    "transformer_named",
]


class Kind(NamedTuple):
    """What is looked for: its name in messages, its entry-point group, and what offers it."""

    name: str
    group: str
    distributions: Mapping[str, str]
    """The distribution that offers a name, of those that this project has."""
    built_in: Mapping[str, str] = MappingProxyType({})
    """What core offers itself; a distribution may offer another of that name."""
    otherwise: Mapping[str, str] = MappingProxyType({})
    """What packages for Node.js are here that are none of the kind."""


TRANSFORMER: Final = Kind(
    "transformer",
    "primus.transformers",
    {
        "websockets": "primus-transformer-ws",
        "faye": "primus-transformer-faye",
        "lws": "primus-transformer-lws",
        "uws": "primus-transformer-lws",
        "picows": "primus-transformer-lws",
        "engine.io": "primus-transformer-engineio",
        "sockjs": "primus-transformer-sockjs",
        "browserchannel": "primus-transformer-browserchannel",
        "socket.io": "primus-transformer-socketio",
    },
)
PARSER: Final = Kind(
    "parser",
    "primus.parsers",
    {
        "json": "primus-core",
        "msgpack": "primus-parser-msgpack",
        "ejson": "primus-parser-ejson",
        "binary": "primus-parser-binary",
    },
)
PLUGIN: Final = Kind(
    "plugin",
    "primus.plugins",
    {
        "rooms": "primus-rooms",
        "contract": "primus-contract",
        "emit": "primus-emit",
        "primus-emit/broadcast": "primus-emit",
        "emit-broadcast": "primus-emit",
        "emitter": "primus-emit",
        "primus-emitter": "primus-emit",
        "metroplex": "primus-metroplex",
        "multiplex": "primus-multiplex",
        "omega-supreme": "primus-omega-supreme",
        "resource": "primus-resource",
        "responder": "primus-responder",
        "spark-latency": "primus-spark-latency",
        "analytics": "primus-analytics",
        "backplane": "primus-backplane",
        "presence": "primus-presence",
        "recovery": "primus-recovery",
        "cluster": "primus-cluster",
        "redis": "primus-cluster",
        "redis-rooms": "primus-cluster",
        "backbone": "primus-backbone",
        "backbone.primus": "primus-backbone",
        "substream": "primus-substream",
        "session": "primus-session",
        "primus-express-session": "primus-session",
        "hapi-primus-sessions": "primus-session",
        "mirage": "primus-mirage",
        "fortress-maximus": "primus-fortress-maximus",
    },
    otherwise={
        "primacron": "it is a class here: from primus_primacron import Primacron",
        "primus-rooms-adapter": "adapters go into the option rooms={'adapter': …} of 'rooms'",
        "primus-rooms-redis-adapter": (
            "it is an adapter of 'rooms' here: from primus_rooms.redis import RedisAdapter, and "
            "rooms={'adapter': RedisAdapter(redis)}"
        ),
        "omega-supreme-rooms-middleware": "it is part of the plugin 'omega-supreme' here",
    },
)

HOST: Final = Kind(
    "host",
    "primus.hosts",
    {
        "aiohttp.web_app.application": "primus-core",
        "asgi": "primus-core",
        "primus.server.listen.ownserver": "primus-core",
    },
    {
        "aiohttp.web_app.Application": "primus.server.hosts.aiohttp:AiohttpHost",
        "asgi": "primus.server.hosts.asgi:AsgiHost",
        "primus.server.listen.OwnServer": "primus.server.hosts.own:OwnHost",
    },
)
"""A host is named by the class of the servers that it serves; that of ASGI serves the rest."""


def installed(kind: Kind) -> dict[str, EntryPoint]:
    """The entry points of a kind, by name in lower case; nothing is imported."""
    found = [EntryPoint(name, value, kind.group) for name, value in kind.built_in.items()]
    return {entry.name.lower(): entry for entry in (*found, *entry_points(group=kind.group))}


def find(kind: Kind, name: str) -> Any:
    """The object that an installed distribution offers as `name`, in any case.

    Raises:
        UnknownPluginError: no distribution offers it.
        BrokenPluginError: it cannot be imported.
    """
    offers = installed(kind)
    entry = offers.get(name.lower())
    if entry is None:
        raise UnknownPluginError(_unknown(kind, name, offers))
    try:
        return entry.load()
    except Exception as error:
        known = kind.distributions.get(name.lower())
        distribution = entry.distribution or known
        again = f"pip install --force-reinstall {distribution}" if distribution else ""
        cure = install_line(error) or again
        raise BrokenPluginError(
            f"the {kind.name} {name!r} is installed but cannot be imported: {error!r}"
            + (f". Try: {cure}" if cure else "")
        ) from error


def _unknown(kind: Kind, name: str, offers: Iterable[str]) -> str:
    """What is said of a name that no distribution offers.

    A distribution is named only if core knows it: a name that is made up may be a stranger's.
    """
    from difflib import get_close_matches  # which no server needs that starts

    names = sorted(offers)
    wanted = name.lower()
    if wanted in kind.otherwise:
        return f"unknown {kind.name} {name!r}: {kind.otherwise[wanted]}"
    message = f"unknown {kind.name} {name!r}. Installed: {', '.join(names) or 'none'}."
    distribution = kind.distributions.get(wanted) or kind.distributions.get(
        wanted.removeprefix("primus-")
    )
    if distribution is not None:
        return f"{message} Try: pip install {distribution}"
    close = get_close_matches(wanted, [*names, *kind.distributions], n=1)
    if not close:
        return message
    message += f" Did you mean {close[0]!r}?"
    if close[0] in names:
        return message
    return f"{message} Try: pip install {kind.distributions[close[0]]}"


def transformer_named(wanted: str | type[Transformer]) -> tuple[str, type[Transformer]]:
    """The name and the class of a transformer; a class is taken as it is.

    Args:
        wanted: the name, or the class.

    Raises:
        PluginError: it is unknown, broken or invalid.
    """
    if isinstance(wanted, str):
        found = _made(TRANSFORMER, wanted, "primus_transformer")
        name = wanted.lower()
    else:
        found, name = wanted, getattr(wanted, "name", "custom")
    if not (isinstance(found, type) and issubclass(found, Transformer)):
        raise InvalidPluginError(
            f"a transformer must be a name or a subclass of primus.Transformer, not {found!r}"
        )
    return name, found


def parser_named(wanted: str | Parser) -> tuple[str, Parser]:
    """The name and the object of a parser; an object is taken as it is.

    Args:
        wanted: the name, or the object.

    Raises:
        PluginError: it is unknown, broken or invalid.
    """
    if isinstance(wanted, str):
        found = _made(PARSER, wanted, "primus_parser")
        name = wanted.lower()
    else:
        found, name = wanted, str(getattr(wanted, "name", "custom"))
    if not isinstance(found, Parser) or isinstance(found, type):
        raise InvalidPluginError(
            f"a parser must be a name, or an object with encode and decode, not {found!r}"
        )
    return name, found


def check_frames(transformer: type[Transformer], parser: Parser) -> None:
    """Make sure that a transformer carries the frames of a parser.

    Raises:
        OptionError: the frames are `bytes`, and the transformer carries text only.
    """
    if is_binary(parser) and not transformer.binary:
        raise OptionError(
            f"the frames of the parser {parser_name(parser)!r} are bytes, and the transformer "
            f"{transformer.name!r} carries text only: use a parser whose frames are text, such "
            "as 'json', or another transformer"
        )


def plugins_named(plugins: Mapping[str, Any]) -> dict[str, Any]:
    """The plugin objects, by name; `None` and texts are looked up among what is installed.

    A name that is looked up is in lower case afterwards.

    Raises:
        UnknownPluginError: no installed distribution offers one.
        BrokenPluginError: one cannot be imported.
    """
    found: dict[str, Any] = {}
    for name, plugin in plugins.items():
        if plugin is None or isinstance(plugin, str):
            found[name.lower()] = find(PLUGIN, plugin or name)
        else:
            found[name] = plugin
    return found


def owner_among(used: Iterable[str]) -> Callable[[str], str]:
    """A function that names the plugin to which an option seems to belong, by their names.

    Args:
        used: the plugins in use, which have said what their options are; it names none of them.
    """

    def owner(option: str) -> str:
        for name in sorted({*PLUGIN.distributions, *installed(PLUGIN)}.difference(used)):
            prefix = name.replace("-", "_")
            if option == prefix or option.startswith(f"{prefix}_"):
                return name
        return ""

    return owner


def _made(kind: Kind, name: str, hook: str) -> Any:
    """What the module behind a name gives by its hook."""
    module = find(kind, name)
    make = _hook_of(name, module, hook)
    made = None if make is None else make()
    if made is None:
        raise InvalidPluginError(
            f"the {kind.name} {name!r} ({module!r}) has no hook {hook}, marked @hookimpl"
        )
    return made


def _hook_of(name: str, module: Any, hook: str) -> Callable[[], Any] | None:
    """As `valid_hook`, but a module is checked once, not for each Primus and each Socket."""
    known = _checked.get((name, hook))
    if known is None or known[0] is not module:
        known = _checked[name, hook] = (module, valid_hook(name, module, hook))
    return known[1]


_checked: dict[tuple[str, str], tuple[Any, Callable[[], Any] | None]] = {}
