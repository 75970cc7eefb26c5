"""What ``primus serve`` is told to call."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from primus import Primus, PrimusError


def greet(primus: Primus) -> None:
    primus.on("connection", lambda spark: spark.write("hello"))
    primus.on("initialised", lambda: print("initialised", flush=True))
    primus.on("close", lambda options: print("close", options, flush=True))


async def later(primus: Primus) -> None:
    await asyncio.sleep(0)
    primus.on("connection", lambda spark: spark.write("hello, later"))


def wants_plugin(primus: Primus) -> None:
    primus.use("not-installed")


def fails(primus: Primus) -> None:
    raise FileNotFoundError(2, "my file is missing")


class Nested:
    setup = staticmethod(greet)


NUMBER = 5


def named(primus: Primus) -> None:
    """Greet with the name of the worker, and its process."""
    primus.on("connection", lambda spark: spark.write([primus.node, os.getpid()]))


def sometimes(primus: Primus) -> None:
    """Fail while there is a file of that name in the current folder."""
    if Path("broken").exists():
        raise PrimusError("it is broken")
    named(primus)


def stays(primus: Primus) -> None:
    """Greet as ``named``; the worker w0 ends once there is a file ``go`` in the current folder."""
    named(primus)

    async def stay() -> None:
        while primus.node == "w0" and not Path("go").exists():
            await asyncio.sleep(0.01)

    primus.on("close", stay)
