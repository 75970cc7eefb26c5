"""Servers that read a bus: ``python -m benchmarks.servers.readers_server MODE COUNT``.

They are in one process, each with its own connections to the Redis at ``BENCH_REDIS_PORT``, and no
sparks. Its port says how many messages have arrived, of all servers together.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from primus import Primus

from .loops import run


class Count:
    """How many messages have arrived."""

    def __init__(self) -> None:
        self.arrived = 0

    def add(self, message: object) -> bool:
        """Count a message, and leave its delivery to the backplane."""
        self.arrived += 1
        return False


async def serve(readers: int) -> None:
    """Serve until the process is ended; the port is the first line of output."""
    bus = f"redis://127.0.0.1:{os.environ['BENCH_REDIS_PORT']}"
    count = Count()
    kept: list[Any] = []
    for _ in range(readers):
        primus: Any = await Primus.create_server(
            host="127.0.0.1", port=0, plugin="rooms, backplane", backplane=bus
        )
        primus.backplane.watch(count.add)
        kept.append(primus)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{count.arrived}\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(serve(int(sys.argv[2])), "uvloop")
