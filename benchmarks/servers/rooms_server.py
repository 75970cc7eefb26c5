"""A server of a cluster: ``python -m benchmarks.servers.rooms_server MODE``.

The query names the room of a connection, and a message names the room that it is for. The bus is
the Redis at ``BENCH_REDIS_PORT``.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from primus import Primus

from .loops import run


async def serve() -> None:
    """Serve until the process is ended; the port is the first line of output."""

    def data(message: Any) -> None:
        primus.room(message["room"]).write(message["data"])

    def connection(spark: Any) -> None:
        if room := spark.query.get("room"):
            spark.join(room)
        spark.on("data", data)

    primus: Any = await Primus.create_server(
        connection,
        host="127.0.0.1",
        port=0,
        transformer="websockets",
        iknowhttpsisbetter=True,
        plugin="rooms, backplane",
        backplane=f"redis://127.0.0.1:{os.environ['BENCH_REDIS_PORT']}",
        timeout=700.0,
        ping_interval=600.0,
    )
    print(primus.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve(), "uvloop")
