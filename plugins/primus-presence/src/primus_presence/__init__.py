"""Which users are in which rooms, on all servers: the plugin ``presence``.

    primus = Primus(app, plugin="backplane, presence", backplane="redis://localhost")

    @primus.on("connection")
    def connection(spark):
        primus.presence.track(spark, "lobby", user=spark.query.text("name"), info={"mood": "fine"})

    @primus.presence.on("join")
    def joined(user, info, room):
        print(user, "is in", room, "of", primus.presence.count(room))

A user joins once and leaves once, however many connections it has and to whatever servers; after
the end of the last one it leaves when `presence_grace` (5 seconds) is over and it has not come
back. Every server has the picture of all in memory: `list`, `count` and `has` ask nothing.

With the plugin ``backplane`` that holds for all of its servers, whatever the engine; without, for
one.
Clients with the plugin get the events ``presence state``, ``presence join``, ``presence update``
and ``presence leave`` of rooms that their sparks are tracked in, or watch; of rooms with more than
`presence_limit` (100) users ``presence count`` alone. For all others nothing changes on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus_presence.errors import PresenceError
from primus_presence.options import PresenceOptions, primus_options
from primus_presence.plugin import (
    PresencePrimus,
    primus_browser,
    primus_control,
    primus_disconnection,
    primus_extend_primus,
    primus_extend_socket,
    primus_order,
    primus_setup,
    primus_socket,
    primus_teardown,
)
from primus_presence.presence import Presence

if TYPE_CHECKING:
    from primus_presence.sockets import PresenceSocket, Rosters

__all__ = [
    "Presence",
    "PresenceError",
    "PresenceOptions",
    "PresencePrimus",
    "PresenceSocket",
    "Rosters",
    "primus_browser",
    "primus_control",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_options",
    "primus_order",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]


def __getattr__(name: str) -> Any:
    """The classes of sockets, imported when first asked for: a server does without them."""
    if name in ("PresenceSocket", "Rosters"):
        from primus_presence import sockets

        return getattr(sockets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
