"""`pipe`: messages that flow from a connection to something that is written to."""

from __future__ import annotations

from typing import Any, TypeVar

from primus.events import Emitter

__all__ = ["pipe"]

Destination = TypeVar("Destination")


def pipe(source: Emitter, destination: Destination) -> Destination:
    """Write every message that arrives at `source` to `destination`, as `Connection.pipe`."""
    target: Any = destination

    def forward(data: Any) -> Any:
        target.write(data)
        congested = getattr(target, "is_congested", False)
        return target.drain() if congested else None

    source.on("data", forward)
    finish = getattr(target, "end", None) or getattr(target, "close", None)
    if finish is not None:

        def conclude() -> Any:
            return finish()

        source.on("end", conclude)
    return destination
