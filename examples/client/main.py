"""The Python client: connect, talk, listen, and come back when the connection is lost."""

from __future__ import annotations

import asyncio
import sys

from primus import Attempt, Socket, connect


def watch(socket: Socket) -> None:
    """Print what happens to the connection."""

    @socket.on("reconnect scheduled")
    def scheduled(opts: Attempt) -> None:
        print(f"trying again in {opts.scheduled:.1f} s (attempt {opts.attempt})", flush=True)

    @socket.on("reconnected")
    def reconnected(opts: Attempt) -> None:
        print(f"back after {opts.duration:.1f} s", flush=True)

    socket.on("end", lambda: print("ended", flush=True))


async def main(url: str) -> None:
    """Say three things to a server that echoes, and stay until it has answered all of them."""
    async with connect(url, reconnect={"max": 5.0}) as socket:
        watch(socket)
        print("my id is", await socket.id())
        for message in ("hello", {"nested": [1, 2.5, None]}, "last"):
            socket.write(message)  # kept, when there is no connection just now
        async for message in socket:
            print("received", message, flush=True)
            if message == {"echo": "last"}:
                break
    print(f"a round trip took {socket.latency * 1000:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080"))
