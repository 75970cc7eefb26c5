"""The ``engine.io`` transformer: polling that upgrades to a WebSocket.

    Primus(app, transformer="engine.io", transport={"ping_interval": 20.0})

It serves clients of revision 3 of Engine.IO, as Primus 4 to 7 have it, and of revision 4, as
Primus 8 has it, side by side.

``transport`` options of the server, durations in seconds:

* ``transports`` (``("polling", "websocket")``): what clients may use;
* ``revisions`` (``(3, 4)``): the revisions that are spoken;
* ``ping_interval`` (25.0), ``ping_timeout`` (20.0): how often a ping is sent, and how long its
  answer may take; for a client of revision 3, which pings by itself, their sum is how long it
  may be silent;
* ``upgrade_timeout`` (10.0): how long trying out a WebSocket may take;
* ``body_timeout`` (30.0): how long a post may take to arrive;
* ``poll_timeout`` (30.0): how long a session that has been ended waits to be polled once more;
* ``close_timeout`` (5.0): the same when the whole server ends, and how long a peer may take to
  finish closing its WebSocket;
* ``max_payload`` (4 times ``max_length``): the longest post, in bytes;
* ``max_packets`` (100,000): how many packets a post may hold;
* ``max_sessions`` (10,000): how many sessions may be polled at once; a handshake by polling beyond
  that is answered with 503, and sessions that are WebSockets do not count;
* ``cookie`` (`None`): a name, or a mapping with ``name`` and attributes, for a cookie by which
  load balancers tell sessions apart; it is no secret;
* ``jsonp`` (`False`): answer clients that ask for JSONP.

``transport`` options of the client:

* ``transports`` (``("polling", "websocket")``): begin with the first, and upgrade to a WebSocket
  where both are named;
* ``revision`` (`None`): 3 or 4; by default, what the server speaks;
* ``close_timeout`` (5.0), ``headers`` (mapping), ``ssl`` (`ssl.SSLContext`), ``unix`` (path): as
  for the ``websockets`` transformer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus import hookimpl

if TYPE_CHECKING:
    from primus import Transformer

__all__ = ["primus_transformer"]


@hookimpl
def primus_transformer() -> type[Transformer]:
    """The transformer named ``engine.io``."""
    from primus_transformer_engineio.server import EngineIO

    return EngineIO
