"""Which plugin adds a member that is missing (pure).

Core names only plugins of this project; each tells its members by its classes, and the contract of
plugins compares them with this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

__all__ = ["MEMBERS", "missing"]

Kind = Literal["Primus", "Spark", "Socket"]

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
            "channel": "multiplex",
            "channels": "multiplex",
            "contract": "contract",
            "forward": "omega-supreme",
            "metroplex": "metroplex",
            "mirage": "mirage",
            "on_event": "contract",
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
        },
        "Socket": {
            **_BOTH,
            "channel": "multiplex",
            "channels": "multiplex",
            "resource": "resource",
            "resources": "resource",
        },
    }
)
"""By the class that has it: a member, and the plugin that adds it."""


def missing(kind: Kind, owner: Any, name: str, used: Iterable[str]) -> AttributeError:
    """The error for a member that is not there.

    Args:
        kind: the class that an application knows.
        owner: what was asked.
        name: what it was asked for.
        used: the plugins in use.

    Raises:
        AttributeError: what a property has raised that is there.
    """
    if hasattr(type(owner), name):
        object.__getattribute__(owner, name)  # a property, which raises once more
    text = f"{owner!r} has no attribute {name!r}"
    plugin = MEMBERS[kind].get(name)
    if plugin is not None and not {plugin, f"primus-{plugin}"} & set(used):
        where = "Socket(url, " if kind == "Socket" else "Primus(…, "
        text += f": the plugin {plugin!r} adds it, and is not in use: {where}plugin={plugin!r})"
    return AttributeError(text, name=name, obj=owner)
