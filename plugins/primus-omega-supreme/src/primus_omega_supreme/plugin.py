"""The hooks: the endpoint, and ``primus.forward``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

from primus import Primus, SparkT_co, hookimpl
from primus.server.layers import Layer
from primus.tasks import has_loop, spawn
from primus_omega_supreme.endpoint import Endpoint
from primus_omega_supreme.forward import Forward
from primus_omega_supreme.options import OmegaSupremeOptions, settings

__all__ = [
    "OmegaSupremePrimus",
    "primus_extend_primus",
    "primus_middleware",
    "primus_setup",
    "primus_teardown",
]


@hookimpl
def primus_middleware(primus: Any) -> Iterable[Layer]:
    """The layer ``omega-supreme``, for plain requests, before authorization.

    Raises:
        OptionError: there is no password, or an option cannot be used.
    """
    chosen = settings(primus.options.extra, primus.pathname)
    endpoint = Endpoint(primus, chosen)
    return [Layer("omega-supreme", endpoint.layer, upgrade=False, before="authorization")]


class OmegaSupremePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``omega-supreme``."""

    forward: Forward
    """Sends messages by way of other servers."""

    if TYPE_CHECKING:

        def __init__(
            self, server: object = None, **options: Unpack[OmegaSupremeOptions]
        ) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.forward``."""
    return OmegaSupremePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.forward``."""
    forward = primus.forward = Forward(primus, settings(primus.options.extra, primus.pathname))
    primus.on("close", forward.close)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Close the connections to other servers, without waiting."""
    if has_loop():  # without it there never was a connection
        spawn(primus.forward.close())
