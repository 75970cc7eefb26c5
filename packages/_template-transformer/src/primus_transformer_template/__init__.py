"""WebSockets, so many and no more: the transformer ``template``.

    primus = Primus(app, transformer="template", transport={"most": 1000})

``transport`` options of the server: ``most`` (10000), how many connections are open at a time;
``close_timeout`` (seconds, 5.0) and ``subprotocols`` as other WebSocket transformers have them.
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
