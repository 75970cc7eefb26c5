"""One server to many: a bus carries messages to the sparks of all servers.

    primus = Primus(app, plugin="rooms, backplane", backplane="redis://localhost")

    primus.write({"news": "to all sparks of all servers"}, everywhere=True)
    primus.room("news").write({"news": "to a room, on all servers"})
    await primus.backplane.spark(id).write({"news": "to one, wherever it is"})

Other processes write by a `Publisher`, or an `AsyncPublisher`, without a server of their own.

Clients need nothing. Sparks of the server that writes get a message at once, all others as soon as
the bus brings it: in the order in which one server wrote to a room, exactly once while the bus
keeps what it has and the queue of the writer holds. docs/backplane.md has the promises in a table.

Engines are found by the scheme of the option ``backplane``: ``memory:`` (the default: the servers
of this process), ``redis://`` and ``valkey://``. `Bus` is their interface.
"""

from primus_backplane.backplane import Backplane
from primus_backplane.bus import Bus, Entry, Listener, Node, Settings
from primus_backplane.envelope import Message, Writer
from primus_backplane.errors import BusError, TooLargeError
from primus_backplane.memory import MemoryBus
from primus_backplane.options import BackplaneOptions, primus_options
from primus_backplane.plugin import (
    BackplanePrimus,
    primus_extend_primus,
    primus_setup,
    primus_teardown,
)
from primus_backplane.publisher import AsyncPublisher, Publisher
from primus_backplane.sending import RemoteSpark

__all__ = [
    "AsyncPublisher",
    "Backplane",
    "BackplaneOptions",
    "BackplanePrimus",
    "Bus",
    "BusError",
    "Entry",
    "Listener",
    "MemoryBus",
    "Message",
    "Node",
    "Publisher",
    "RemoteSpark",
    "Settings",
    "TooLargeError",
    "Writer",
    "primus_extend_primus",
    "primus_options",
    "primus_setup",
    "primus_teardown",
]
