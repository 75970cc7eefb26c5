"""Objects whose methods clients call: the plugin ``resource``, as primus-resource for Node has it.

    primus = Primus(app, plugin="emitter, multiplex, resource")

    class Todo:
        def __init__(self):
            self.items = []

        def on_add(self, spark, text: str) -> int:
            self.items.append(text)
            self.broadcast("added", text)
            return len(self.items)

    primus.resource("todo", Todo())

A client calls ``on_add`` as ``add``, and what it returns, or awaits to, is the answer:

    todo = socket.resource("todo")
    await todo.ready()
    print(await todo.add("write a plugin"))

Arguments are checked and converted where the method has annotations. What it raises is logged here,
and the client learns only that the method failed. Each resource is a channel of ``multiplex``, or
with ``multiplex=False`` on both sides, events of the connection itself. ``emitter`` is always
needed. The option ``resource_names`` (1024) of sockets is how many names a client keeps of what a
server announces: of resources, and of the methods of each; all together have ``max_length``
characters at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from primus import OptionError, Primus, ServerOptions, SparkT_co, hookimpl
from primus.browser import Browser
from primus_resource.calling import Calls, RemoteResources, Resource, ResourceLost, ResourceTimeout
from primus_resource.methods import ResourceError
from primus_resource.serving import Resources, Served

if TYPE_CHECKING:
    from primus import Socket
    from primus_resource.sockets import ResourceSocket

__all__ = [
    "Calls",
    "RemoteResources",
    "Resource",
    "ResourceError",
    "ResourceLost",
    "ResourceOptions",
    "ResourcePrimus",
    "ResourceSocket",
    "ResourceTimeout",
    "Resources",
    "Served",
    "primus_browser",
    "primus_connection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_options",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]

T = TypeVar("T")


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name == "ResourceSocket":
        from primus_resource.sockets import ResourceSocket

        return ResourceSocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ResourceOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``resource``."""

    resource_names: int


class ResourcePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``resource``; applications derive from it."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[ResourceOptions]) -> None: ...

    resources: Resources
    """The objects, by the names that clients call them."""

    @overload
    def resource(self, name: str, *, multiplex: bool = True) -> Served: ...
    @overload
    def resource(self, name: str, obj: T, *, multiplex: bool = True) -> T: ...
    def resource(self, name: str, obj: Any = None, *, multiplex: bool = True) -> Any:
        """Let clients call the methods of an object.

        Args:
            name: what clients call it.
            obj: has the methods: ``onWalk`` is called ``Walk``, ``on_walk`` is called ``walk``. It
                gets ``resource_name``, ``channel`` and ``broadcast(event, *args)``. Without it, the
                resource of that name, or a new one, which may be given methods until clients
                connect.
            multiplex: whether it gets a channel of its own. Both sides must agree.

        Returns:
            The object.

        Raises:
            ResourceError: the object or the name cannot be used, or a plugin is missing.
        """
        if obj is None:
            if name in self.resources:
                return self.resources[name]
            obj = Served()
        return self.resources.add(name, obj, multiplex=multiplex)


def names(extra: Mapping[str, Any]) -> int:
    """The option ``resource_names``, among those that plugins have declared.

    Raises:
        OptionError: it cannot work.
    """
    most = extra["resource_names"]
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise OptionError(f"resource_names={most!r}: must be a whole number, at least 1")
    return most


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Of sockets; a server takes and ignores it."""
    return {"resource_names": 1024}


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.resource``."""
    return ResourcePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.resources``; and look at the option."""
    names(primus.options.extra)
    primus.resources = Resources(primus)


@hookimpl
def primus_connection(spark: Any) -> None:
    """Tell a client of the resources that use no channel."""
    spark.primus.resources.connected(spark)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Let no client call anything."""
    primus.resources.close()


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.resource``."""
    from primus_resource.sockets import ResourceSocket

    return ResourceSocket


@hookimpl
def primus_socket(socket: Any, options: Mapping[str, Any]) -> None:
    """Forget what a server has said, with each connection."""
    socket.resources = RemoteResources(names(options), socket.options.max_length)
    socket.on("close", socket.resources.clear)


@hookimpl
def primus_browser() -> Browser:
    """``primus.resource`` in the browser."""
    declarations = files("primus_resource").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_resource", declarations=declarations)
