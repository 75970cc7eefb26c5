"""What a client has missed comes when it is back: the plugin ``recovery``.

    primus = Primus(
        app,
        plugin="rooms, backplane, recovery",
        rooms={"history": {"news": True, "board*": "cache"}},
        recovery_secret="the same long text on every server",
    )

    @primus.on("connection")
    def connection(spark):
        spark.join("news")           # a client that is back gets what the room got meanwhile
        print(spark.session, spark.recovered)

A client with the plugin shows that in the query of its URL (``_recovery``); for all others nothing
changes on the wire. After a reconnect it has the event ``recovered`` with ``rooms`` (it got all
that its rooms with history got, in order), ``session`` (all that was written to it, and all that it
wrote, has arrived) and ``missed``, the number of late messages. What is `False` has a hole, and
the client fetches its state anew. ``gap`` tells that messages to its rooms are missing on an open
connection.

Rooms with history are chosen by ``rooms={"history": …}`` and need the plugins ``rooms``, with its
adapter in memory, and ``backplane``, which brings the messages of all servers in one order. Every
server has the newest messages of the last ``backplane_window`` seconds, so that a client may come
back to any of them.

Options: ``recovery_secret`` signs what clients bring back; ``recovery_rooms`` (`True`, or a
function of spark and room that allows it) joins the rooms of before ahead of the ``connection``
listeners; ``recovery_grace`` (2 seconds) is how long a client that is back has to join its rooms
otherwise; ``recovery_takeover`` (2 seconds) is how long another server has to hand a session over;
``recovery_user`` is a function of the spark that names its user, where the
header ``Authorization``, the query and ``spark.mirage`` do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus_recovery.follower import Recovered
from primus_recovery.options import RecoveryOptions, primus_options
from primus_recovery.plugin import (
    RecoveryPrimus,
    RecoverySpark,
    primus_browser,
    primus_connection,
    primus_control,
    primus_disconnection,
    primus_extend_primus,
    primus_extend_socket,
    primus_extend_spark,
    primus_order,
    primus_setup,
    primus_socket,
    primus_teardown,
)
from primus_recovery.recovery import Recovery

if TYPE_CHECKING:
    from primus_recovery.sockets import RecoverySocket

__all__ = [
    "Recovered",
    "Recovery",
    "RecoveryOptions",
    "RecoveryPrimus",
    "RecoverySocket",
    "RecoverySpark",
    "primus_browser",
    "primus_connection",
    "primus_control",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_options",
    "primus_order",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name == "RecoverySocket":
        from primus_recovery.sockets import RecoverySocket

        return RecoverySocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
