"""Network trouble on purpose, for developing and testing applications. Not for production.

    primus = Primus(app, plugin="chaos", chaos_delay=(0.05, 0.4), chaos_drop=0.01)

Options of the Primus, and for its own end of the wire of a Python ``Socket`` that uses the
plugin:

* ``chaos_delay`` (seconds, or a pair of them; 0): each message waits so long, in either direction.
  One waits after the other, so that their order is kept: with 0.1, ten pass in a second.
* ``chaos_drop`` (probability, 0): a message is lost.
* ``chaos_refuse`` (probability, 0): a request or an upgrade is answered with 503. Servers only.
  The browser library and ``/spec`` are always served.
* ``chaos_cut`` (seconds, or a pair of them; `None`): a connection is cut after a time from this
  range, whenever one has been opened, and the client may come back.
* ``chaos_seed`` (`None`): the same seed gives the same trouble again.

``primus.chaos``, or ``socket.chaos``, is the `Chaos` in force. Its ``delay``, ``drop``, ``refuse``
and ``cut`` can be set at any time, ``enabled = False`` makes peace, and ``delayed``, ``dropped``,
``refused`` and ``cuts`` count what was done. ``spark.cut()`` and ``socket.cut()`` cut at once.

Only messages suffer. Heartbeats and the rest of Primus' own control text are neither delayed nor
dropped; but what a server sends stands in one line, so there they wait behind delayed messages.
What waits when a connection ends is lost if it was arriving, and sent at once if it was leaving.
A `ManualClock` of primus-testing, as the option ``clock``, moves the delays and the cuts.

In the browser the same trouble is asked for by ``new Primus(url, {chaos: {delay: [50, 400], drop:
0.01}})``, in milliseconds, and ``primus.chaos`` holds it.
"""

from typing import TYPE_CHECKING, Any

from primus_chaos.chaos import Chaos
from primus_chaos.client import primus_browser, primus_extend_socket, primus_socket
from primus_chaos.options import (
    ChaosOptions,
    ChaosSocketOptions,
    primus_options,
    primus_order,
)
from primus_chaos.server import (
    ChaosPrimus,
    ChaosSpark,
    primus_connection,
    primus_disconnection,
    primus_extend_primus,
    primus_extend_spark,
    primus_incoming,
    primus_middleware,
    primus_outgoing,
    primus_setup,
    primus_teardown,
)

if TYPE_CHECKING:
    from primus_chaos.sockets import ChaosSocket

__all__ = [
    "Chaos",
    "ChaosOptions",
    "ChaosPrimus",
    "ChaosSocket",
    "ChaosSocketOptions",
    "ChaosSpark",
    "primus_browser",
    "primus_connection",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_middleware",
    "primus_options",
    "primus_order",
    "primus_outgoing",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name == "ChaosSocket":
        from primus_chaos.sockets import ChaosSocket

        return ChaosSocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
