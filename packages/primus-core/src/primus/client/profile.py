"""What a client class knows of its servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from primus.client.options import ClientOptions, client_options
from primus.errors import PluginError
from primus.members import is_inherited, members, refuse_taken
from primus.plugins import Ark

if TYPE_CHECKING:
    from primus.parser import Parser
    from primus.transformer import Connector

__all__ = ["ServerProfile", "extensions", "make_ark"]


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """How to talk to a server. Durations in seconds, `None` when disabled or unknown.

    ``ping_timeout`` is the default of that option; ``timeout`` is after how much silence the
    server ends a connection; ``pings`` says that the server is known to ping its clients.
    """

    connector: Connector
    parser: Parser
    transformer_name: str = ""
    pathname: str = "/primus"
    ark: Ark = field(default_factory=Ark)
    ping_timeout: float | None = 45.0
    timeout: float | None = None
    pings: bool = False
    authorization: bool = False

    def options(self, given: Mapping[str, Any]) -> ClientOptions:
        """The options of a socket.

        Raises:
            OptionError: one is unknown to clients and to their plugins, or cannot work.
        """
        declared = self.ark.options()
        options = client_options({"ping_timeout": self.ping_timeout, **given}, declared)
        options.extra = {**declared, **options.extra}
        return options

    def strategy(self, chosen: frozenset[str] | None) -> frozenset[str]:
        """When to reconnect: as `chosen`, or else always.

        A refused authorization looks like a server that cannot be reached, so where there is
        authorization a failed first attempt is final.
        """
        if chosen is not None:
            return chosen
        return frozenset(
            {"disconnect", "online"} if self.authorization else {"disconnect", "online", "timeout"}
        )


def make_ark(plugins: Mapping[str, Any]) -> Ark:
    """The plugins of a client, in the order that suits what they declare.

    Raises:
        PluginError: a plugin is invalid, or no order suits all of them.
    """
    ark = Ark()
    for name in ark.admit(plugins):
        ark.use(name)
    return ark


def extensions(ark: Ark, base: type) -> dict[str, Any]:
    """The attributes that plugins add to the sockets of one class.

    A name that `Socket` itself has is replaced.

    Args:
        ark: the plugins.
        base: the class that the sockets derive from: `Socket`, or one of the application's own.

    Raises:
        PluginError: two plugins give the same name, or one gives a name that `base` has taken.
    """
    attributes: dict[str, Any] = {}
    for name in ark:
        given = ark.call(name, "primus_extend_socket")
        if is_inherited(base, given):
            continue
        added = members(given)
        refuse_taken(name, base, added)
        for attribute, value in added.items():
            if attribute in attributes:
                raise PluginError(
                    f"the plugin {name!r}: sockets have an attribute {attribute!r} already"
                )
            attributes[attribute] = value
    return attributes
