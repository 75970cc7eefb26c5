"""A script that goes on when its server is restarted: what was not acknowledged is sent again."""

from __future__ import annotations

import asyncio
import sys

from primus import Attempt, connect
from primus_emit import AckLost, AckTimeout, EmitterSocket

CHOICES = ("tea", "coffee", "tea")


class Worker(EmitterSocket):
    """A socket, and what it has done so far."""

    acknowledged: int = 0
    repeated: int = 0
    is_over: bool = False

    def over(self) -> None:
        """It will not connect again: the server has said so, or has been away for too long."""
        self.is_over = True


async def deliver(socket: Worker, choice: str) -> None:
    """Send one vote until the server has acknowledged it.

    When the connection goes before the answer, the vote may have been counted: that it is sent
    again is what an application has to be able to bear, or to recognise by a key.
    """
    while True:
        try:
            await socket.ask("vote", {"choice": choice}, timeout=5.0)
        except (AckLost, AckTimeout) as error:
            if socket.is_over:
                raise
            socket.repeated += 1
            print(f"once more: {error}", flush=True)
            await asyncio.sleep(0.1)  # it may be closing: then the next one fails at once
        else:
            socket.acknowledged += 1
            return


def scheduled(opts: Attempt) -> None:
    """The connection is lost, and will be made again."""
    print(f"trying again in {opts.scheduled:.1f} s", flush=True)


async def main(url: str, votes: int, pause: float) -> None:
    """Deliver all votes, one after the other."""
    async with connect(
        url,
        socket=Worker,
        plugin="emitter",
        reconnect={"min": 0.05, "max": 1.0, "retries": 100},
    ) as socket:
        socket.on("end", socket.over)
        socket.on("reconnect scheduled", scheduled)
        socket.on(
            "reconnected", lambda opts: print(f"back after {opts.duration:.1f} s", flush=True)
        )
        for number in range(votes):
            await deliver(socket, CHOICES[number % len(CHOICES)])
            print(f"{socket.acknowledged} of {votes}", flush=True)
            await asyncio.sleep(pause)
    print(f"done: {socket.acknowledged} delivered", flush=True)


if __name__ == "__main__":
    url, votes, pause = [
        *sys.argv[1:],
        *("http://localhost:8080", "20", "0.5")[len(sys.argv) - 1 :],
    ]
    asyncio.run(main(url, int(votes), float(pause)))
