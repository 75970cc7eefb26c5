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

    The handler refuses by raising `Unauthorized`. Like a layer it may also return a `Response`,
    and `False` is taken as a refusal. Anything else but `None` and `True` is a mistake that
    must not let anybody in.
    """

    async def authorization(request: Request) -> Response | None:
        if primus.authorization is None:
            return None
        result = primus.authorization(request)
        if is_awaitable(result):
            result = await result
        if result is None or result is True or isinstance(result, Response):
            return None if result is True else result
        if result is False:
            raise Unauthorized
        raise TypeError(
            "an authorization handler raises Unauthorized to refuse and returns None to "
            f"accept, but this one returned {result!r}"
        )

    return Layer("authorization", authorization)


def refusal(error: Unauthorized) -> Response:
    """The response to a refused request; `Primus` answers so to `Unauthorized` of any layer."""
    response = Response.json({"error": error.message}, error.status)
    if error.status == 401 and error.authenticate is not None:
        response.headers["WWW-Authenticate"] = error.authenticate
    return response
