"""Classes for uvicorn: WebSockets whose raw transports a Primus takes over, and bounded heads.

    uvicorn main:primus.asgi --ws primus.uvicorn:WebSockets --http primus.uvicorn:Requests

`Requests` reads the head of a connection's first request, if that is an upgrade as nearly all
clients write it, and makes a `WebSockets` of it. All else goes to uvicorn's own class for
httptools, whose heads and trailers are bounded here, and which makes a `WebSockets` of an upgrade
that it has parsed.
"""

from __future__ import annotations

from primus.uvicorn.requests import Requests
from primus.uvicorn.websockets import WebSockets

__all__ = ["Requests", "WebSockets"]
