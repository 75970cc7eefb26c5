"""The ``websockets`` transformer: RFC 6455 on python-websockets' sans-I/O protocol.

    Primus(app, transformer="websockets", compression=True, transport={"close_timeout": 2.0})

One WebSocket message carries one frame: text for `str`, binary for `bytes`. On the wire this
is what Primus for Node speaks with ``ws`` and ``faye``, so either side can be any of them.

``transport`` options of the server:

* ``close_timeout`` (seconds, 5.0): how long a peer may take to finish closing before its
  connection is dropped;
* ``subprotocols`` (list of texts): the subprotocols offered to clients, best first;
* ``deflate`` (mapping): arguments for websockets' `ServerPerMessageDeflateFactory`, used when
  ``compression=True``.

``transport`` options of the client:

* ``close_timeout``, ``subprotocols``: as above;
* ``headers`` (mapping): further headers of the handshake;
* ``ssl`` (`ssl.SSLContext`): for ``https:`` and ``wss:`` URLs;
* ``unix`` (path): connect to this unix socket in place of host and port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus import hookimpl

if TYPE_CHECKING:
    from primus import Transformer

__all__ = ["primus_transformer"]


@hookimpl
def primus_transformer() -> type[Transformer]:
    """The transformer named ``websockets``."""
    from primus_transformer_ws.server import WebSockets

    return WebSockets
