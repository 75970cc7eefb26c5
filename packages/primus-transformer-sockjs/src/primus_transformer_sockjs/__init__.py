"""The ``sockjs`` transformer: WebSockets, and many ways to do without them.

    Primus(app, transformer="sockjs", transport={"heartbeat_delay": 15.0})

It speaks sockjs-protocol 0.3.3 with every transport: WebSocket (framed and raw), XHR streaming,
EventSource, htmlfile, XHR polling and JSONP. It carries text only. docs/sockjs.md has all
``transport`` options, of the server and of the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus import hookimpl

if TYPE_CHECKING:
    from primus import Transformer

__all__ = ["primus_transformer"]


@hookimpl
def primus_transformer() -> type[Transformer]:
    """The transformer named ``sockjs``."""
    from primus_transformer_sockjs.server import SockJS

    return SockJS
