"""What every transformer does, on the server and as a client: inherit `TransformerContract`.

    class TestMine(TransformerContract):
        transformer = "mine"

The yardstick is ``test/transformer.base.js`` of Primus for Node, with every limit attacked on
top. The frames of the server half are watched by a `primus_testing.Peer`, which is made of
the transformer's own client half.

These behaviours of the Node suite have no counterpart here:

* ``exposes a .socket property`` and ``should expose transformers socket``: the wire is private;
* ``initialises without `new` `` and ``emits errors for incorrect context``: a Python class is
  called in one way, and a method knows its object;
* ``should set the correct read/writable states``: sockets and sparks are no Node streams;
* ``can force websocket avoidance``: an option of the browser client;
* ``should make the spark available to the parser``: a parser sees values and frames only, so
  that a broadcast can be encoded once;
* headers of the request changed after the connection: they cannot be changed here.
"""

from __future__ import annotations

from primus_testing.transformer.client import ClientContract
from primus_testing.transformer.connecting import ConnectingContract
from primus_testing.transformer.counting import CountingContract
from primus_testing.transformer.ending import EndingContract
from primus_testing.transformer.gates import GatesContract
from primus_testing.transformer.heads import HeadsContract
from primus_testing.transformer.heartbeats import HeartbeatsContract
from primus_testing.transformer.http import HTTPContract
from primus_testing.transformer.limits import LimitsContract
from primus_testing.transformer.messages import MessagesContract
from primus_testing.transformer.mismatches import MismatchContract
from primus_testing.transformer.ordering import OrderingContract
from primus_testing.transformer.reconnecting import ReconnectingContract
from primus_testing.transformer.threads import ThreadsContract
from primus_testing.transformer.transforms import TransformsContract

__all__ = ["TransformerContract"]


class TransformerContract(
    ClientContract,
    ReconnectingContract,
    ConnectingContract,
    EndingContract,
    CountingContract,
    MessagesContract,
    OrderingContract,
    TransformsContract,
    ThreadsContract,
    LimitsContract,
    HeartbeatsContract,
    HTTPContract,
    GatesContract,
    HeadsContract,
    MismatchContract,
):
    """Set ``transformer`` to a name or a class, and ``options`` if it needs any."""
