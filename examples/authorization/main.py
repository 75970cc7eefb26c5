"""Which clients may connect: a token in a header or the URL, checked before the handshake."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from primus import Primus, Request, Spark, Unauthorized

PAGE = Path(__file__).with_name("index.html")
PORT = int(os.environ.get("PORT", "8080"))

# Yours come from a database, and are longer.
USERS = {"ada-secret": "Ada", "grace-secret": "Grace"}
BLOCKED = {"Grace"}

app = web.Application()
primus = Primus(app, origins=f"http://localhost:{PORT}")


def user_of(request: Request) -> str | None:
    """The user whose token a request carries.

    Browsers cannot give a WebSocket headers, so they use the URL: ``?token=ada-secret``. A URL
    ends up in logs, which is why a token for it should be short-lived. Other clients can send
    ``Authorization: Bearer ada-secret``.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.query.text("token")
    return USERS.get(token.strip())


@primus.authorize
async def authorize(request: Request) -> None:
    """Called for every handshake, and every other request to Primus. It may be async."""
    user = user_of(request)
    if user is None:
        raise Unauthorized("No valid token", authenticate='Bearer realm="example"')
    if user in BLOCKED:
        raise Unauthorized({"reason": f"{user} may not come in"}, status=403)


@primus.on("connection")
def connection(spark: Spark) -> None:
    """Only authorized clients get here."""
    spark.write(f"Welcome, {user_of(spark.request)}")


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=PORT)
