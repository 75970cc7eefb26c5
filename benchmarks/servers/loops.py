"""The event loop that a server runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["run", "serve"]


def run(main: Coroutine[Any, Any, None], loop: str) -> None:
    """Run `main` on ``uvloop`` or on ``asyncio``."""
    if loop == "uvloop":
        import uvloop

        uvloop.run(main)
    else:
        asyncio.run(main)


async def serve(make: Callable[[], asyncio.Protocol]) -> None:
    """Serve until the process is ended; the port is the first line of output.

    Args:
        make: makes the protocol of a connection.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
