"""WebSockets whose handshake says which server answers: the transformer ``template``.

    primus = Primus(app, transformer="template", transport={"served_by": "node_7"})

``transport`` options of the server: ``served_by`` ("primus"), the header ``X-Served-By`` of a
handshake; ``close_timeout`` (seconds, 5.0) and ``subprotocols`` as other WebSocket transformers
have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus import hookimpl

if TYPE_CHECKING:
    from primus import Transformer

__all__ = ["primus_transformer"]


@hookimpl
def primus_transformer() -> type[Transformer]:
    """The transformer named ``template``; imported when it is used, not when it is listed."""
    from primus_transformer_template.server import Template

    return Template
