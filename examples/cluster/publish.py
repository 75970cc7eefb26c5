"""A script that is no server: it writes to all sparks, or to a room, of every server."""

from __future__ import annotations

import os
import sys

from primus_backplane import Publisher

BUS = os.environ.get("BUS", "redis://localhost")


def main(text: str, room: str | None = None) -> None:
    """Write a text."""
    said = {"text": text, "by": "publish.py"}
    with Publisher(BUS) as publisher:
        if room is None:
            publisher.write(said)
        else:
            publisher.room(room).write({**said, "room": room})
    print("published", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
