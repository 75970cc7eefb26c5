"""The floor sends back what arrives: ``python -m benchmarks.servers.raw_server MODE LOOP``."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from .loops import run


class Echo(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self._transport.write(data)


async def main() -> None:
    """Serve until the process is ended; the port is the first line of output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(main(), sys.argv[2])
