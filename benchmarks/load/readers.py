"""What the bus costs by the number of servers that read it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from primus import Primus

from .job import Job, Outcome
from .measuring import Measuring
from .messages import document

__all__ = ["readers"]

SETTLING = 1.0
PATIENCE = 30.0


def readers(job: Job) -> Outcome:
    """Room messages at a fixed rate that no server has a member for.

    This process is the writer; the servers are in the other one, which says at its port how many
    messages have reached all of them.
    """
    return asyncio.run(_written(job))


async def _written(job: Job) -> Outcome:
    bus = f"redis://127.0.0.1:{job.bus_port}"
    options: dict[str, Any] = {"plugin": "rooms, backplane", "backplane": bus}
    primus = await Primus.create_server(host="127.0.0.1", port=0, **options)
    message = document(job.size)
    await asyncio.sleep(SETTLING)
    await _send(primus, job, message, max(1, int(job.rate / 10)))
    outcome = Outcome()
    with Measuring(job, outcome):
        outcome.count = await _send(primus, job, message, max(1, int(job.seconds * job.rate)))
    return outcome


async def _send(primus: Primus, job: Job, message: str, count: int) -> int:
    """Write so many, and wait until every reader has them."""
    before, began = await _arrived(job), time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / job.rate - time.perf_counter()))
        primus.room("room").write(message)  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE):
        while await _arrived(job) - before < count * job.connections:
            await asyncio.sleep(0.02)
    return count


async def _arrived(job: Job) -> int:
    """How many messages have reached the servers, taken together."""
    reader, writer = await asyncio.open_connection("127.0.0.1", job.port)
    said = await reader.readline()
    writer.close()
    return int(said)
