"""What happens to a client of the fixture `make_socket`: its connection is lost, and comes back."""

from __future__ import annotations

from typing import Any

from primus_testing.recorder import Recorder

__all__ = ["comes_back", "cut"]


async def cut(primus: Any, socket: Any) -> None:
    """Lose the connection of the only client, as the network does."""
    events = Recorder(socket, "close")
    (spark,) = primus
    spark.abort()
    await events.next("close")


async def comes_back(socket: Any) -> None:
    """Let the time pass after which it reconnects, and wait until it is open."""
    events = Recorder(socket, "open")
    socket.options.clock.advance(1.0)
    await events.next("open")
