"""Echoes every frame as it is: a WebSocket transformer with a parser that leaves frames alone.

``python server.py TRANSFORMER [--compression]`` prints the port that it listens on.
"""

import asyncio
import sys
from typing import Any

from primus import Primus

LONGEST_MESSAGE = 64 * 2**20


class Identity:
    """What is written is sent, what arrives is read."""

    def encode(self, value: Any) -> Any:
        """The frame itself."""
        return value

    def decode(self, frame: Any) -> Any:
        """The frame itself."""
        return frame


async def main() -> None:
    """Listen until the process is ended."""
    primus = await Primus.create_server(
        host="127.0.0.1",
        port=0,
        transformer=sys.argv[1],
        parser=Identity(),
        compression="--compression" in sys.argv,
        timeout=False,
        ping_interval=False,
        max_length=LONGEST_MESSAGE,
        slow_consumer="buffer",
        iknowhttpsisbetter=True,
    )

    @primus.on("connection")
    def connection(spark: Any) -> None:
        spark.on("data", spark.write)

    sys.stdout.write(f"{primus.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
