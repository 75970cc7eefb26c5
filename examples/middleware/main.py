"""Layers: what happens to a request before it becomes a connection."""

from __future__ import annotations

import os
import secrets
import time

from aiohttp import web

from primus import Primus, Request, Response, Spark

app = web.Application()
primus = Primus(app)

# Layers run in order, the built-in ones first: primus.layers lists them. One can be switched off
# by its name, and on again at any time.
primus.disable("x-xss")


@primus.before("request-id", index=0)
def request_id(request: Request) -> None:
    """Add a header to every answer, also of the application. Returning nothing lets pass."""
    request.response_headers["X-Request-Id"] = secrets.token_hex(8)


@primus.before("health", upgrade=False)
def health(request: Request) -> Response | None:
    """An answer of our own, below the pathname of Primus; not for upgrades."""
    if request.path == "/primus/health":
        return Response.json({"connections": primus.connected})
    return None


LAST: dict[str, float] = {}
PAUSE = 0.2


@primus.before("gate", http=False)
async def gate(request: Request) -> Response | None:
    """One connection every 0.2 seconds from an address; only for upgrades. Layers may be async."""
    now = time.monotonic()
    for address in [address for address, then in LAST.items() if now - then > PAUSE]:
        del LAST[address]
    if request.address.ip in LAST:
        return Response.error(429)
    LAST[request.address.ip] = now
    return None


@primus.on("connection")
def connection(spark: Spark) -> None:
    """A request that gets here has passed all layers."""
    spark.write([layer.name for layer in primus.layers if layer.enabled])


if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
