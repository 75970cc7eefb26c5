"""An ASGI application whose sparks tell their process, and write to all processes by a bus."""

import asyncio
import os

from primus import Primus

primus = Primus(transformer="engine.io", plugin="backplane", backplane=os.environ["BUS"])


@primus.on("connection")
async def connection(spark):
    spark.on("data", lambda message: primus.write(message, everywhere=True))
    while not primus.backplane.healthy:  # what others write before does not come here
        await asyncio.sleep(0.01)
    spark.write({"process": os.getpid()})


asgi = primus.asgi
