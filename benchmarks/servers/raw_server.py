"""The floor sends back what arrives: ``python -m benchmarks.servers.raw_server MODE LOOP``."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from .loops import run, serve


class Echo(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self._transport.write(data)


if __name__ == "__main__":
    run(serve(Echo), sys.argv[2])
