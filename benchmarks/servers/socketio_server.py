"""python-socketio on aiohttp and uvloop: ``python -m benchmarks.servers.socketio_server MODE``."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import socketio
import uvloop
from aiohttp import web


async def serve(mode: str) -> None:
    """Serve until the process is ended; the port is the first line of output."""
    server = socketio.AsyncServer(async_mode="aiohttp", http_compression=False)
    app = web.Application()
    server.attach(app)

    @server.on("message")
    async def message(sid: str, data: Any) -> None:
        await server.emit("message", data, to=None if mode == "broadcast" else sid)

    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
