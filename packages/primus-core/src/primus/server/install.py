"""Using a plugin and taking it back: all of it, or none of it.

What a plugin adds to a server is found by comparing the server before and after its hooks
ran. A hook that raises has the server put back as it was; `plugout` takes away what was added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from primus.contracts import Server
from primus.errors import HookError, PluginError
from primus.events import Listener, ReservedEvents
from primus.layer import Layer
from primus.members import Given, bound, declared, is_inherited, members, refuse_taken
from primus.options import NAMES
from primus.plugins import Ark
from primus.server.client_library import ClientLibrary
from primus.server.layers import Layers
from primus.server.spark import Spark

__all__ = ["Additions", "Snapshot", "install", "uninstall"]

_ABSENT = object()
SparkClass: TypeAlias = type[Spark]


class Extensible(Server, Protocol):
    """A `Primus`, with all that a plugin may add to."""

    events: ReservedEvents
    layers: Layers
    _library: ClientLibrary
    _listeners: dict[str, tuple[Listener, ...]]
    spark_listeners: tuple[tuple[str, Any], ...]

    @property
    def Spark(self) -> SparkClass:
        """The class of its sparks."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything of a Primus that a plugin may add to."""

    listeners: dict[str, tuple[Listener, ...]]
    layers: list[Layer]
    incoming: tuple[Any, ...]
    outgoing: tuple[Any, ...]
    reserved: set[str]
    spark_reserved: set[str]
    spark_listeners: tuple[tuple[str, Any], ...]
    spark: dict[str, Any]
    attributes: dict[str, Any]
    options: dict[str, Any]

    @classmethod
    def of(cls, primus: Extensible) -> Snapshot:
        """How `primus` is now."""
        return cls(
            listeners=dict(primus._listeners),
            layers=primus.layers.snapshot(),
            incoming=primus.pipeline.incoming,
            outgoing=primus.pipeline.outgoing,
            reserved=set(primus.events.names),
            spark_reserved=set(primus.Spark.events.names),
            spark_listeners=primus.spark_listeners,
            spark=dict(vars(primus.Spark)),
            attributes=dict(vars(primus)),
            options=dict(primus.options.extra),
        )

    def restore(self, primus: Extensible) -> None:
        """Put `primus` back exactly as it was."""
        primus._listeners = dict(self.listeners)
        primus._library.changed()
        primus.options.extra = self.options
        primus.layers.restore(self.layers)
        primus.pipeline.incoming = self.incoming
        primus.pipeline.outgoing = self.outgoing
        primus.events.names = set(self.reserved)
        primus.Spark.events.names = set(self.spark_reserved)
        primus.spark_listeners = self.spark_listeners
        _put_back(primus.Spark, dict(vars(primus.Spark)), self.spark)
        _put_back(primus, dict(vars(primus)), self.attributes)


@dataclass(frozen=True, slots=True)
class Additions:
    """What came between two snapshots."""

    before: Snapshot
    after: Snapshot

    def remove(self, primus: Extensible) -> None:
        """Take away what was added; what others have added since stays."""
        for event, listeners in self.after.listeners.items():
            added = set(listeners) - set(self.before.listeners.get(event, ()))
            kept = tuple(one for one in primus._listeners.get(event, ()) if one not in added)
            if kept:
                primus._listeners[event] = kept
            else:
                primus._listeners.pop(event, None)
        functions = {layer.name: layer.fn for layer in primus.layers}
        for layer in self.after.layers:
            is_new = not any(layer is other for other in self.before.layers)
            if is_new and functions.get(layer.name) is layer.fn:  # not replaced since
                primus.layers.remove(layer.name)
        for layer in self.before.layers:
            if layer.name not in primus.layers and layer not in self.after.layers:
                primus.layers.add(layer, self.before.layers.index(layer))
        for fn in set(self.after.incoming) - set(self.before.incoming):
            primus.pipeline.remove("incoming", fn)
        for fn in set(self.after.outgoing) - set(self.before.outgoing):
            primus.pipeline.remove("outgoing", fn)
        handlers = set(self.after.spark_listeners) - set(self.before.spark_listeners)
        primus.spark_listeners = tuple(one for one in primus.spark_listeners if one not in handlers)
        options = self.after.options.keys() - self.before.options.keys()
        primus.options.extra = {
            name: value for name, value in primus.options.extra.items() if name not in options
        }
        primus.events.names -= self.after.reserved - self.before.reserved
        primus.Spark.events.names -= self.after.spark_reserved - self.before.spark_reserved
        _put_back(primus.Spark, self.after.spark, self.before.spark)
        _put_back(primus, self.after.attributes, self.before.attributes)


def _put_back(owner: Any, after: dict[str, Any], before: dict[str, Any]) -> None:
    """Undo the attributes that differ, unless they have been changed again since."""
    current = dict(vars(owner))
    for name in after.keys() | before.keys():
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if old is new or current.get(name, _ABSENT) is not new:
            continue
        if old is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, old)


def install(primus: Extensible, ark: Ark, name: str) -> Additions:
    """Use a plugin that has been admitted, and run its hooks.

    Raises:
        PluginOrderError: it must come before one that is in use.
        PluginError: an attribute is taken.
        Exception: whatever a hook raised; the server is as it was before.
    """
    before = Snapshot.of(primus)
    try:
        ark.use(name)
        _run_hooks(primus, ark, name)
    except BaseException:
        ark.remove(name)
        before.restore(primus)
        raise
    return Additions(before, Snapshot.of(primus))


def _run_hooks(primus: Extensible, ark: Ark, name: str) -> None:
    options = ark.options_of(name)
    taken = sorted(NAMES & options.keys())
    if taken:
        raise HookError(f"the plugin {name!r}: {taken[0]!r} is an option of Primus already")
    primus.options.extra = {**options, **primus.options.extra}
    _extend_spark(primus.Spark, name, ark.call(name, "primus_extend_spark"))
    _extend_primus(primus, name, ark.call(name, "primus_extend_primus"))
    for layer in ark.call(name, "primus_middleware", primus=primus) or ():
        if not isinstance(layer, Layer):
            raise HookError(
                f"the plugin {name!r}: primus_middleware must give Layers, not {layer!r}"
            )
        primus.layers.add(layer)
    for direction in ("incoming", "outgoing"):
        transform = ark.call(name, f"primus_{direction}", primus=primus)
        if transform is not None:
            primus.pipeline.add(direction, transform)
    ark.call(name, "primus_setup", primus=primus)


def _extend_spark(kind: type[Spark], name: str, given: Given) -> None:
    """Set what a plugin gives on the spark class of a server."""
    if is_inherited(kind, given):
        return
    attributes = members(given)
    refuse_taken(name, kind.__mro__[1], attributes)
    for attribute, value in attributes.items():
        if attribute in vars(kind):
            raise PluginError(
                f"the plugin {name!r}: sparks have an attribute {attribute!r} already"
            )
        setattr(kind, attribute, value)


def _extend_primus(primus: Extensible, name: str, given: Given) -> None:
    """Set what a plugin gives on one Primus."""
    if is_inherited(type(primus), given):
        return
    names = declared(given)
    refuse_taken(name, type(primus), names)
    for attribute in sorted(names):
        if hasattr(primus, attribute):
            raise PluginError(
                f"the plugin {name!r}: the Primus has an attribute {attribute!r} already"
            )
    for attribute, value in members(given).items():
        setattr(primus, attribute, bound(name, attribute, value, primus))


def uninstall(primus: Extensible, ark: Ark, name: str, additions: Additions) -> None:
    """Run the tear-down of a plugin and take away all that it added.

    A tear-down that raises is logged; the plugin is taken away all the same.
    """
    try:
        ark.call(name, "primus_teardown", primus=primus)
    except Exception:
        primus.log.exception("the tear-down of the plugin %r raised", name)
    ark.remove(name)
    additions.remove(primus)
