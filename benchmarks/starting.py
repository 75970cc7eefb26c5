"""What it takes to be there: import, start, resident memory, and which modules."""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median

from .contestants import Contestant, contestants
from .load.echo import answered
from .load.job import Job
from .meter import cpu_seconds, resident_bytes
from .process import LOAD_CORE, SERVER_CORE, Server, run

__all__ = ["start_all", "unused_modules"]

IMPORTS = {
    "python": "pass",
    "primus": "import primus",
    "aiohttp": "import aiohttp.web",
    "socketio": "import socketio",
    "starlette": "import starlette.applications, uvicorn",
    "websockets": "import websockets.asyncio.server",
}
"""What is imported, and by which statement; the first is what the others are compared to."""

TIMED = """
import sys, time
began = time.process_time()
{statement}
print((time.process_time() - began) * 1000, len(sys.modules))
"""

UNUSED = """
import os, sys
os.environ["PRIMUS_SPEEDUPS"] = "0"  # no option names it
from aiohttp import web
from primus import Primus
Primus(web.Application(), transformer={transformer!r})
print(*(name for name in sys.modules if name.startswith("primus")))
"""


def start_all(rounds: int, wanted: Callable[[Contestant], bool]) -> dict[str, dict[str, float]]:
    """Import time and modules of each library, start-up time and memory of each contestant."""
    found: dict[str, dict[str, float]] = {}
    for name, statement in IMPORTS.items():
        _imported(statement)  # so that all is compiled
        times = [_imported(statement) for _ in range(rounds)]
        if all(times):
            found[f"import {name}"] = {
                "import_ms": median(each[0] for each in times),
                "modules": times[0][1],
            }
    chosen = [one for one in contestants() if wanted(one)]
    started: dict[str, list[tuple[float, float]]] = {one.name: [] for one in chosen}
    for _ in range(rounds):
        for contestant in chosen:
            started[contestant.name].append(_started(contestant))
    for name, each in started.items():
        found[name] = {
            "start_ms": median(one[0] for one in each),
            "memory_mb": median(one[1] for one in each),
        }
    return found


def _imported(statement: str) -> tuple[float, ...]:
    command = [sys.executable, "-c", TIMED.format(statement=statement)]
    done = run(command, core=SERVER_CORE)
    return tuple(float(each) for each in done.stdout.split()) if done.returncode == 0 else ()


def _started(contestant: Contestant) -> tuple[float, float]:
    """CPU milliseconds of a new process that has answered a message, and its memory in MB."""
    with Server(contestant, "echo") as server:
        job = Job(
            kind="echo",
            port=server.port,
            pid=server.pid,
            path=contestant.path,
            dialect=contestant.dialect,
            raw=contestant.raw,
        )
        answered(job)
        return cpu_seconds(server.pid) * 1000, resident_bytes(server.pid) / 2**20


def unused_modules(transformer: str) -> list[str]:
    """The modules of ours that a server with a transformer has imported."""
    done = run([sys.executable, "-c", UNUSED.format(transformer=transformer)], core=LOAD_CORE)
    return done.stdout.split()
