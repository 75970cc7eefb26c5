"""Which plugin adds a member that is missing, and what stands for one of Node.js (pure).

Core names only plugins of this project; each tells its members by its classes, and the contract of
plugins compares them with this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Never

__all__ = ["MEMBERS", "NODE", "MissingMember", "NodeMember", "NodeState", "suggest"]

Kind = Literal["Primus", "Spark", "Socket", "Request"]

_ROOMS: Final = ("clients", "except_", "in_", "is_room_empty", "join", "leave", "room", "rooms")
_BOTH: Final = {
    "acks": "emitter",
    "ask": "emitter",
    "send": "emitter",
    "mirage": "mirage",
    "responses": "responder",
    "write_and_wait": "responder",
    "streams": "substream",
    "substream": "substream",
}

MEMBERS: Final[Mapping[Kind, Mapping[str, str]]] = MappingProxyType(
    {
        "Primus": {
            **dict.fromkeys((*_ROOMS, "adapter", "empty"), "rooms"),
            "backbone": "backbone",
            "backplane": "backplane",
            "channel": "multiplex",
            "channels": "multiplex",
            "cluster": "cluster",
            "contract": "contract",
            "event_message": "emitter",
            "forward": "omega-supreme",
            "get_session": "session",
            "metroplex": "metroplex",
            "mirage": "mirage",
            "on_event": "contract",
            "presence": "presence",
            "recovery": "recovery",
            "resource": "resource",
            "resources": "resource",
            "send": "emitter",
            "validate": "fortress-maximus",
        },
        "Spark": {
            **_BOTH,
            **dict.fromkeys((*_ROOMS, "leave_all", "transform"), "rooms"),
            "channels": "multiplex",
            "clock_offset": "spark-latency",
            "get_session": "session",
            "latency": "spark-latency",
            "recovered": "recovery",
            "session": "recovery",
        },
        "Socket": {
            **_BOTH,
            "presence": "presence",
            "recovered": "recovery",
            "channel": "multiplex",
            "channels": "multiplex",
            "resource": "resource",
            "resources": "resource",
        },
    }
)
"""By the class that has it: a member, and the plugin that adds it."""


NODE: Final[Mapping[Kind, Mapping[str, str]]] = MappingProxyType(
    {
        "Primus": {
            "connect": "connect(url), from primus import connect",
            "connections": "len(primus), or list(primus) for the sparks",
            "createServer": "await create_server()",
            "createSocket": "create_socket()",
            "forEach": "for_each()",
            "isRoomEmpty": "is_room_empty() of the plugin 'rooms'",
        },
        "Spark": {
            "getSession": "await get_session() of the plugin 'session'",
            "isRoomEmpty": "is_room_empty() of the plugin 'rooms'",
            "leaveAll": "leave_all() of the plugin 'rooms'",
            "readyState": "ready_state",
            "writeAndWait": "await write_and_wait() of the plugin 'responder'",
        },
        "Socket": {
            "readyState": "ready_state",
            "writeAndWait": "await write_and_wait() of the plugin 'responder'",
        },
        "Request": {
            "connection": "address, and secure",
            "originalUrl": "path, and query_string",
            "uri": "path, query_string and query",
            "url": "path, and query_string",
            "user": 'state["user"]',
        },
    }
)
"""By the class that has it: a member of Primus for Node.js, and what stands for it here."""


class NodeMember:
    """Stands on a class for a member of Primus for Node.js: asking for it names ours."""

    __slots__ = ("_instead", "_name")

    def __init__(self, name: str, instead: str) -> None:
        self._name = name
        self._instead = instead

    def __get__(self, instance: Any, owner: type) -> Never:
        """The error."""
        raise _of_node(owner if instance is None else instance, self._name, self._instead)


class NodeState:
    """Stands on the class of requests, to which layers of Node add members of their own."""

    __slots__ = ("_instead", "_name")

    def __init__(self, name: str, instead: str) -> None:
        self._name = name
        self._instead = instead

    def __get__(self, instance: Any, owner: type) -> Never:
        """The error."""
        raise _of_node(owner if instance is None else instance, self._name, self._instead)

    def __set__(self, instance: Any, value: object) -> Never:
        """The error."""
        raise _of_node(instance, self._name, self._instead)


def _of_node(owner: Any, name: str, instead: str) -> AttributeError:
    shown = owner.__name__ if isinstance(owner, type) else repr(owner)
    return AttributeError(
        f"{shown} has no attribute {name!r}: in Python it is {instead}", name=name, obj=owner
    )


class MissingMember:
    """Stands on a class for a member that a plugin adds: asking for it is an error that says so.

    A `__getattr__` would do so for every name, and make each attribute that is there slower to
    read: CPython 3.11 reads those of a class that has one the long way. What a plugin adds stands
    on a derived class, and goes first.
    """

    __slots__ = ("_kind", "_name")

    def __init__(self, kind: Kind, name: str) -> None:
        self._kind = kind
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Never:
        """The error."""
        if instance is None:
            raise AttributeError(
                f"{owner.__name__} has no attribute {self._name!r}", name=self._name
            )
        raise missing(self._kind, instance, self._name)


def suggest(cls: type, kind: Kind) -> None:
    """Let a class say which plugin adds a member that it does not have, and how ours are named."""
    for name in MEMBERS[kind]:
        if not hasattr(cls, name):
            setattr(cls, name, MissingMember(kind, name))
    for name, instead in NODE[kind].items():
        setattr(cls, name, NodeMember(name, instead))


def missing(kind: Kind, owner: Any, name: str) -> AttributeError:
    """The error for a member that a plugin adds.

    Args:
        kind: the class that an application knows.
        owner: what was asked.
        name: what it was asked for.
    """
    text = f"{owner!r} has no attribute {name!r}"
    plugin = MEMBERS[kind][name]
    server = None if kind == "Socket" else owner.primus if kind == "Spark" else owner
    if server is not None and server.ending_since:
        text += f": the plugin {plugin!r} adds it, and destroy() has taken the plugins out"
    elif not {plugin, f"primus-{plugin}"} & set(_used(kind, owner)):
        where = "Socket(url, " if kind == "Socket" else "Primus(…, "
        text += f": the plugin {plugin!r} adds it, and is not in use: {where}plugin={plugin!r})"
    return AttributeError(text, name=name, obj=owner)


def _used(kind: Kind, owner: Any) -> Iterable[str]:
    """The plugins in use."""
    used: Iterable[str] = (owner.primus if kind == "Spark" else owner).plugin()
    return used
