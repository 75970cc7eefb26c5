"""The client without an event loop: a script that blocks."""

from __future__ import annotations

import sys

from primus.sync import connect


def main(url: str) -> None:
    """Say three things to a server that echoes, and print its answers."""
    with connect(url) as socket:
        print("my id is", socket.id())
        for message in ("hello", {"nested": [1, 2.5, None]}, "last"):
            socket.send(message)
            print("received", socket.recv(timeout=30), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080")
