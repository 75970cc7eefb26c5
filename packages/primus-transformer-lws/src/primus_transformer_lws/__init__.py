"""The ``lws`` transformer, also ``uws`` and ``picows``: RFC 6455 in native code, by picows.

    Primus(app, transformer="lws", compression=True, transport={"close_timeout": 2.0})

It is the engine for speed: picows parses and frames in C and writes to the socket directly. On
the wire it is what `websockets` and `faye` are, and what Primus for Node speaks with ``ws``.

``transport`` options of the server:

* ``close_timeout`` (seconds, 5.0): how long a peer may take to finish closing before its
  connection is dropped;
* ``subprotocols`` (list of texts): the subprotocols offered to clients, best first;
* ``deflate`` (mapping): how messages are compressed with ``compression=True``; see
  `primus_transformer_lws.deflate.Settings`.

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
    """The transformer named ``lws``, ``uws`` or ``picows``."""
    from primus_transformer_lws.server import Lws

    return Lws
