"""`Layer`: one named function of the HTTP middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from primus.http import Request, Response

__all__ = ["Layer", "LayerFunction"]

LayerFunction = Callable[[Request], "Response | None | Awaitable[Response | None]"]


@dataclass(slots=True)
class Layer:
    """One named function of the middleware.

    ``fn(request)``, plain or async, returns a `Response` to answer with, or `None` to let the
    request pass. ``http`` and ``upgrade`` say for which requests it runs. ``before`` names
    the layer that a layer of a plugin goes in front of.

    ``by_head`` says that ``fn`` goes by method, path, address and headers alone, but for
    ``Content-Length``, and changes nothing but ``response_headers``, ``address`` and ``secure``.
    So it need not see each of the requests of a connection that are alike in these, unless it has
    answered the one before, or is async.
    """

    name: str
    fn: LayerFunction
    http: bool = True
    upgrade: bool = True
    enabled: bool = True
    before: str | None = None
    by_head: bool = False
