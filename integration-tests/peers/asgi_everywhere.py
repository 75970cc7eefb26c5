"""An ASGI application whose sparks tell their process, and write to all processes by a bus."""

import os

from primus import Primus

primus = Primus(transformer="engine.io", plugin="backplane", backplane=os.environ["BUS"])


@primus.on("connection")
def connection(spark):
    spark.write({"process": os.getpid()})
    spark.on("data", lambda message: primus.write(message, everywhere=True))


asgi = primus.asgi
