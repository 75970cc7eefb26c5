"""A FastAPI application with routes and a websocket of its own, and Primus beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query, WebSocket
from fastapi.responses import FileResponse

from primus import Primus, Spark

PAGE = Path(__file__).with_name("index.html")
LATEST = 10

app = FastAPI()
primus = Primus(app, pathname="/live")
latest: list[str] = []


@app.get("/")
async def index() -> FileResponse:
    """The page."""
    return FileResponse(PAGE)


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


@primus.on("connection")
def connection(spark: Spark) -> None:
    """Send the latest news to a new connection first."""
    for text in latest:
        spark.write({"news": text})


if __name__ == "__main__":
    uvicorn.run(primus.asgi, host="localhost", port=int(os.environ.get("PORT", "8080")))
