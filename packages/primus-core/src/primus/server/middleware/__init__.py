"""The seven built-in layers, in their order; each is an ordinary layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.contracts import Server
from primus.server.middleware import (
    authorization,
    cors,
    forwarded,
    no_cache,
    primus_js,
    spec,
    x_xss,
)

if TYPE_CHECKING:
    from primus.layer import Layer

__all__ = ["built_in"]


def built_in(primus: Server) -> list[Layer]:
    """The layers that every Primus starts with."""
    modules = (forwarded, cors, primus_js, spec, x_xss, no_cache, authorization)
    return [module.layer(primus) for module in modules]
