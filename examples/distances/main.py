"""How far away each client is, and how far its clock is off; what happens to a page is counted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from aiohttp import web

from primus_analytics import AnalyticsOptions, AnalyticsPrimus
from primus_spark_latency import SparkLatencyOptions, SparkLatencyPrimus, SparkLatencySpark

PAGE = Path(__file__).with_name("index.html")


class Options(AnalyticsOptions, SparkLatencyOptions):
    """The options of both plugins, for type checkers."""


class Server(AnalyticsPrimus[SparkLatencySpark], SparkLatencyPrimus[SparkLatencySpark]):
    """A server with both plugins, for type checkers."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[Options]) -> None: ...


app = web.Application()
primus = Server(app, plugin="analytics, spark-latency", use_clock_offset=True)


@primus.on_spark("data")
def data(spark: SparkLatencySpark, message: object) -> None:
    """Tell a client of all clients, itself first."""
    others = [each for each in primus if each is not spark]
    spark.write(
        [
            {
                "from": each.address.ip,
                "latency": round(each.latency * 1000, 1),
                "offset": round(each.clock_offset * 1000),
            }
            for each in (spark, *others)
        ]
    )


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
