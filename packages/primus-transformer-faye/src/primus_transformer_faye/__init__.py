"""The ``faye`` transformer: RFC 6455 on aiohttp's own WebSocket server and client.

    Primus(app, transformer="faye", compression=True, transport={"close_timeout": 2.0})

It needs nothing but aiohttp's public interfaces, so it works wherever aiohttp does. On the wire
it is what `websockets` and `lws` are, and what Primus for Node speaks with ``faye-websocket``
and ``ws``.

``transport`` options of the server:

* ``close_timeout`` (seconds, 5.0): how long a peer may take to finish closing before its
  connection is dropped;
* ``subprotocols`` (list of texts): the subprotocols offered to clients, best first.

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
    """The transformer named ``faye``."""
    from primus_transformer_faye.server import Faye

    return Faye
