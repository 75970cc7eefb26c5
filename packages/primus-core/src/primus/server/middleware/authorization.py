"""``authorization``: asks the user's handler about every request and every upgrade."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from primus.callables import is_awaitable
from primus.contracts import Server
from primus.errors import Unauthorized
from primus.http import Request, Response
from primus.layer import Layer

__all__ = ["layer", "refusal"]


def layer(primus: Server) -> Layer:
    """The layer that runs the handler given by `Primus.authorize`.

    The handler refuses by raising `Unauthorized`. Like a layer it may also return a `Response`,
    and `False` is taken as a refusal. Anything else but `None` and `True` is a mistake that
    must not accept any client.
    """

    def authorization(request: Request) -> Response | None | Awaitable[Response | None]:
        if primus.authorization is None:
            return None
        result = primus.authorization(request)
        return _later(result) if is_awaitable(result) else _verdict(result)

    return Layer("authorization", authorization)


async def _later(deciding: Awaitable[Any]) -> Response | None:
    return _verdict(await deciding)


def _verdict(result: Any) -> Response | None:
    if result is None or result is True or isinstance(result, Response):
        return None if result is True else result
    if result is False:
        raise Unauthorized
    raise TypeError(
        "an authorization handler raises Unauthorized to refuse and returns None to "
        f"accept, but this one returned {result!r}"
    )


def refusal(error: Unauthorized) -> Response:
    """The response to a refused request; `Primus` answers so to `Unauthorized` of any layer."""
    response = Response.json({"error": error.message}, error.status)
    if error.status == 401 and error.authenticate is not None:
        response.headers["WWW-Authenticate"] = error.authenticate
    return response
