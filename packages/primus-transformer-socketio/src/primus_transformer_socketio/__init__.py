"""The ``socket.io`` transformer: Socket.IO 0.9, for clients of Primus up to version 5.

    Primus(app, transformer="socket.io", transport={"heartbeat_interval": 20.0})

It speaks version 1 of the protocol, which nothing but Socket.IO up to 0.9 speaks: a WebSocket, or
polling where none can be opened. It carries text only.

``transport`` options of the server, durations in seconds:

* ``transports`` (``("websocket", "xhr-polling")``): what clients may use; ``"jsonp-polling"`` and
  ``"htmlfile"``, for browsers of their time, only when they are named;
* ``heartbeat_interval`` (25.0), ``heartbeat_timeout`` (60.0): how often a WebSocket or an htmlfile
  is pinged, and how long the answer may take;
* ``poll_duration`` (20.0): how long a poll waits for messages;
* ``poll_timeout`` (60.0): how long a client may go without a poll;
* ``linger`` (1.0): how long the last posts of a client are taken that has dropped its poll;
* ``handshake_timeout`` (30.0): how long a handshake may be left unused;
* ``max_handshakes`` (10,000): how many of them there may be; the oldest ones give way;
* ``body_timeout`` (30.0): how long a post may take to arrive;
* ``close_timeout`` (5.0): how long clients get to fetch what they were sent when the server ends;
* ``max_payload`` (4 times ``max_length``): the longest post, in bytes;
* ``max_packets`` (100,000): how many packets a post may hold;
* ``max_sessions`` (10,000): how many sessions may be polled at once; a first poll beyond that is
  answered with 503, and sessions that are WebSockets do not count.

``transport`` options of the client:

* ``transports`` (``("websocket", "xhr-polling")``): what is tried, in this order;
* ``connect_timeout`` (10.0): how long a transport gets to open when there is another one to try;
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
    """The transformer named ``socket.io``."""
    from primus_transformer_socketio.server import SocketIO

    return SocketIO
