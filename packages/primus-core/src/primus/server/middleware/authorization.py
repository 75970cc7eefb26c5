"""``authorization``: asks the user's handler about every request and every upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.errors import Unauthorized
from primus.http import Request, Response
from primus.pipeline import is_awaitable
from primus.server.layers import Layer

if TYPE_CHECKING:
    from primus.server.primus import Primus

__all__ = ["layer", "refusal"]


def layer(primus: Primus) -> Layer:
    """The layer that runs the handler given by `Primus.authorize`.

    The handler refuses by raising `Unauthorized`; returning `False` is taken as a refusal too.
    """

    async def authorization(request: Request) -> None:
        if primus.authorization is not None:
            result = primus.authorization(request)
            if is_awaitable(result):
                result = await result
            if result is False:
                raise Unauthorized

    return Layer("authorization", authorization)


def refusal(error: Unauthorized) -> Response:
    """The response to a refused request; `Primus` answers so to `Unauthorized` of any layer."""
    response = Response.json({"error": error.message}, error.status)
    if error.status == 401 and error.authenticate is not None:
        response.headers["WWW-Authenticate"] = error.authenticate
    return response
