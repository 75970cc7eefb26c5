"""What a load generator is told to do, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

__all__ = ["Job", "Outcome"]

LARGE = 1024
"""From so many bytes on a message counts as large."""


@dataclass(frozen=True)
class Job:
    """One measurement.

    ``seconds`` is the time while it counts; before, it warms up for ``warmup`` seconds, and until
    ``enough`` messages have been answered, since what is compiled at run time takes its time on a
    busy machine. ``pid`` is the server, whose CPU time and memory are read. ``split`` sends each
    message of a window by itself, ``compressed`` has permessage-deflate, ``deaf`` is how many
    connections more do not read, and a ``raw`` server sends back what it gets, without a handshake.
    A cluster has ``ports`` and ``pids`` of all its servers, and a Redis; ``connections`` is then
    the number of members of each of its ``rooms``, and ``rate`` that of messages a second.
    """

    kind: str
    port: int
    pid: int
    path: str = "/primus"
    dialect: str = "plain"
    connections: int = 1
    window: int = 1
    size: int = 64
    seconds: float = 1.0
    warmup: float = 0.3
    least: int = 0
    split: bool = False
    compressed: bool = False
    deaf: int = 0
    raw: bool = False
    ports: Sequence[int] = ()
    pids: Sequence[int] = ()
    bus_port: int = 0
    bus_pid: int = 0
    rooms: int = 1
    rate: float = 0.0

    @property
    def measured(self) -> Sequence[int]:
        """The processes whose CPU time counts."""
        return self.pids or (self.pid,)

    @property
    def enough(self) -> int:
        """How many messages warm up; not so many that heartbeats come in between."""
        return self.least if self.size < LARGE else self.least // 5

    @classmethod
    def parse(cls, text: str) -> Job:
        """The job that `text` tells."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """The job as text, for another process."""
        return json.dumps(asdict(self))


@dataclass
class Outcome:
    """What came out of a job.

    ``count`` is how many messages were answered, delivered, or connections were made.
    ``latencies`` are seconds, ``memory`` is bytes for each connection.
    """

    count: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    own_cpu: float = 0.0
    bus_cpu: float = 0.0
    memory: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """What is worth keeping."""
        found: dict[str, float] = {}
        if self.count:
            found["rate"] = self.count / self.wall
            found["cpu_us"] = self.cpu / self.count * 1e6
            found["generator"] = self.own_cpu / self.wall
        if self.bus_cpu:
            found["bus_us"] = self.bus_cpu / self.count * 1e6
            found["own_us"] = self.own_cpu / self.count * 1e6
        if self.latencies:
            ordered = sorted(self.latencies)
            found["p50_us"] = ordered[len(ordered) // 2] * 1e6
            found["p99_us"] = ordered[int(len(ordered) * 0.99)] * 1e6
            found["p999_us"] = ordered[int(len(ordered) * 0.999)] * 1e6
        if self.memory:
            found["memory"] = self.memory
        return found
