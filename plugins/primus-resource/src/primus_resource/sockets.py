"""The class of Python sockets with the plugin; a server does without this module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from primus import MessageT_co, Socket
from primus.events import Delivered, Delivering
from primus_resource.calling import RemoteResources, Resource
from primus_resource.methods import ResourceError

__all__ = ["ResourceSocket"]

T = TypeVar("T")


class ResourceSocket(Socket[MessageT_co]):
    """A socket with the plugin ``resource``; applications derive from it."""

    resources: RemoteResources
    """Those of the server."""

    @overload
    def resource(self, name: str, *, multiplex: bool = True) -> Resource: ...
    @overload
    def resource(self, name: str, kind: Callable[..., T], *, multiplex: bool = True) -> T: ...
    def resource(
        self, name: str, kind: Callable[..., Any] | None = None, *, multiplex: bool = True
    ) -> Any:
        """A resource of the server, the same one each time until its channel ends.

        Args:
            name: what it is called.
            kind: a class that declares its methods, such as a Protocol; its calls are typed, and
                what they return is converted.
            multiplex: whether the server has it in a channel of ``multiplex``, which is the
                default on both sides.

        Raises:
            ResourceError: a plugin is missing, or the declaration cannot be used.
        """
        known = self.resources.known
        key = (name, kind, multiplex)
        if key not in known or known[key].has_ended:
            member, plugin = ("channel", "multiplex") if multiplex else ("ask", "emitter")
            if not hasattr(self, member) or not hasattr(self, "ask"):
                raise ResourceError(
                    f"the resource {name!r} needs the plugin {plugin!r}: "
                    'plugin="emitter, multiplex, resource", or multiplex=False without multiplex'
                )
            stream = getattr(self, "channel")(name) if multiplex else None  # noqa: B009
            made = known[key] = Resource(self, name, stream, kind, most=self.resources.most)
            if not multiplex and name in self.resources.announced:
                made.take(self.resources.announced[name])
        return known[key]

    def deliver(self, event: str, /, *args: Any, to: Delivering | None = None) -> Delivered:
        """As `Socket.deliver`; a resource may be asked for after the server has announced it."""
        if to is None and event.endswith("::ready"):
            self.resources.announce(event.removesuffix("::ready"), args[0] if args else None)
        return Socket.deliver(self, event, *args, to=to)
