"""The ``browserchannel`` transformer: plain HTTP, and nothing is lost with a request.

    Primus(app, transformer="browserchannel", transport={"session_timeout": 60.0})

It speaks version 8 of the BrowserChannel protocol, as Primus 4 to 8 have it by the npm package
``browserchannel``. It carries text only. docs/browserchannel.md has all ``transport`` options, of
the server and of the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus import hookimpl

if TYPE_CHECKING:
    from primus import Transformer

__all__ = ["primus_transformer"]


@hookimpl
def primus_transformer() -> type[Transformer]:
    """The transformer named ``browserchannel``."""
    from primus_transformer_browserchannel.server import BrowserChannel

    return BrowserChannel
