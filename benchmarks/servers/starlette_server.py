"""Starlette on uvicorn: ``python -m benchmarks.servers.starlette_server MODE``."""

from __future__ import annotations

import asyncio
import socket
import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


def application(mode: str) -> Starlette:
    """An application with one WebSocket."""
    sockets: set[WebSocket] = set()

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets.add(websocket)
        try:
            while True:
                answer = orjson.dumps(orjson.loads(await websocket.receive_text())).decode()
                if mode == "broadcast":
                    await asyncio.gather(*(each.send_text(answer) for each in tuple(sockets)))
                else:
                    await websocket.send_text(answer)
        except WebSocketDisconnect:
            pass
        finally:
            sockets.discard(websocket)

    return Starlette(routes=[WebSocketRoute("/primus", endpoint)])


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        application(sys.argv[1]),
        loop="uvloop",
        log_level="critical",
        ws_per_message_deflate=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
