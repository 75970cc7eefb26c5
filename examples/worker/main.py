"""A script that goes on when its server is restarted: what was not acknowledged is sent again."""

from __future__ import annotations

import asyncio
import sys

from primus import Attempt, connect
from primus_emit import AckLost, AckTimeout, EmitterSocket

BALLOTS = ["tea", "coffee", "tea", "tea", "coffee"] * 4


class Worker(EmitterSocket):
    """A socket, and what it has done so far."""

    acknowledged: int = 0
    repeated: int = 0


async def deliver(socket: Worker, choice: str) -> None:
    """Send one vote until the server has acknowledged it.

    When the connection goes before the answer, the vote may have been counted: that it is sent
    again is what an application has to be able to bear, or to recognise by a key.
    """
    while True:
        try:
            await socket.ask("vote", {"choice": choice}, timeout=5.0)
        except (AckLost, AckTimeout) as error:
            socket.repeated += 1
            print(f"once more: {error}", flush=True)
            await asyncio.sleep(0.1)  # it may be closing: then the next one fails at once
        else:
            socket.acknowledged += 1
            return


def scheduled(opts: Attempt) -> None:
    """The connection is lost, and will be made again."""
    print(f"trying again in {opts.scheduled:.1f} s", flush=True)


async def main(url: str, pause: float) -> None:
    """Deliver all votes, one after the other."""
    async with connect(
        url,
        socket=Worker,
        plugin="emitter",
        reconnect={"min": 0.05, "max": 1.0, "retries": 100},
    ) as socket:
        socket.on("reconnect scheduled", scheduled)
        socket.on(
            "reconnected", lambda opts: print(f"back after {opts.duration:.1f} s", flush=True)
        )
        for choice in BALLOTS:
            await deliver(socket, choice)
            print(f"{socket.acknowledged} of {len(BALLOTS)}", flush=True)
            await asyncio.sleep(pause)
    print(f"done: {socket.acknowledged} delivered", flush=True)


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080"
    asyncio.run(main(url, float(sys.argv[2]) if len(sys.argv) > 2 else 0.5))
