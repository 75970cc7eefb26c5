"""websockets alone, on uvloop: ``python -m benchmarks.servers.websockets_server MODE``."""

from __future__ import annotations

import sys

import orjson
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(mode: str) -> None:
    """Serve until the process is ended; the port is the first line of output."""
    connections: set[ServerConnection] = set()

    async def handler(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            async for text in connection:
                answer = orjson.dumps(orjson.loads(text)).decode()
                if mode == "broadcast":
                    broadcast(connections, answer)
                else:
                    await connection.send(answer)
        finally:
            connections.discard(connection)

    async with serve(handler, "127.0.0.1", 0, compression=None, backlog=4096) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
