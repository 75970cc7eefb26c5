"""What ``primus serve`` is told to call."""

from __future__ import annotations

import asyncio

from primus import Primus


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
