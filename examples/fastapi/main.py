"""A FastAPI application with tokens (JWT) and a background task, and Primus beside its routes."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

import jwt
import uvicorn
from fastapi import FastAPI, Query, WebSocket
from fastapi.responses import FileResponse

from primus import Primus, Request, Spark, Unauthorized

PAGE = Path(__file__).with_name("index.html")
SECRET = os.environ.get("SECRET") or secrets.token_hex(32)
ORIGIN = os.environ.get("ORIGIN", "http://localhost:8080")
LATEST = 10
LIFETIME = 3600
"""Seconds that a token is good for."""


class Reader(Spark):
    """The spark of a client that has shown its token."""

    name: str = ""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """The background task runs as long as the application."""
    clock = asyncio.create_task(tell_the_time(float(os.environ.get("TICK", "5"))))
    yield
    clock.cancel()
    with suppress(asyncio.CancelledError):
        await clock


app = FastAPI(lifespan=lifespan)
primus = Primus[Reader](app, pathname="/live", origins=ORIGIN)
latest: list[str] = []


@app.get("/")
async def index() -> FileResponse:
    """The page."""
    return FileResponse(PAGE)


@app.post("/token")
async def token(name: Annotated[str, Query(min_length=1, max_length=50)]) -> dict[str, str]:
    """A token for a reader. An application would ask for a password first."""
    claims = {"sub": name, "exp": time.time() + LIFETIME}
    return {"token": jwt.encode(claims, SECRET, algorithm="HS256")}


@app.get("/news")
async def news() -> list[str]:
    """The latest news, for clients that poll."""
    return latest


@app.post("/news", status_code=201)
async def publish(text: Annotated[str, Query(min_length=1, max_length=500)]) -> dict[str, int]:
    """Something has happened: send it to every connection at once."""
    latest.append(text)
    del latest[:-LATEST]
    primus.write({"news": text})
    return {"readers": primus.connected}


@app.websocket("/shout")
async def shout(socket: WebSocket) -> None:
    """A websocket of the application's own, which has nothing to do with Primus."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text.upper())


def reader(request: Request) -> str:
    """The name in the token that a client shows in its URL.

    Raises:
        Unauthorized: there is none, it is forged, or it has expired.
    """
    try:
        claims = jwt.decode(request.query.text("token"), SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise Unauthorized(str(error)) from error
    return str(claims["sub"])


@primus.authorize
def authorize(request: Request) -> None:
    """Refuse clients without a token."""
    reader(request)


@primus.on("connection")
def connection(spark: Reader) -> None:
    """Greet a new connection, and send it the latest news first."""
    spark.name = reader(spark.request)
    spark.write({"hello": spark.name})
    for text in latest:
        spark.write({"news": text})


async def tell_the_time(seconds: float) -> None:
    """Write the time to every connection, again and again."""
    while True:
        await asyncio.sleep(seconds)
        for spark in primus:
            spark.write({"time": time.strftime("%H:%M:%S"), "for": spark.name})


if __name__ == "__main__":
    uvicorn.run(primus.asgi, host="localhost", port=int(os.environ.get("PORT", "8080")))
