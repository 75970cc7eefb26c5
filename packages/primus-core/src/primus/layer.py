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
    """

    name: str
    fn: LayerFunction
    http: bool = True
    upgrade: bool = True
    enabled: bool = True
    before: str | None = None
