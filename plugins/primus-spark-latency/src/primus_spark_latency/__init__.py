"""How far away each client is: the plugin ``spark-latency``, after primus-spark-latency for Node.

    primus = Primus(app, plugin="spark-latency", use_clock_offset=True)

    @primus.on("connection")
    async def connection(spark):
        async for message in spark:
            print(spark.latency, spark.clock_offset)

``spark.latency`` is the last round trip in seconds, 0 before the first. The server measures it with
each of its pings; clients that have the plugin report what they have measured, which is the only
source for clients that ping by themselves (Primus up to 6). ``spark.clock_offset`` is how many
seconds the clock of the server is ahead of that of the client, with the option ``use_clock_offset``
on both sides.

On the wire a report is ``{"_latency": 12.5}``, or ``{"_latency": 12.5, "_clock": 1700000000000}``,
in milliseconds, from the client only; it is no ``data``. A client may report anything: use the
numbers to show and to tune, not to decide what is allowed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from primus import (
    MessageT_co,
    Order,
    Packet,
    Primus,
    ServerOptions,
    Spark,
    SparkT_co,
    hookimpl,
)
from primus.browser import Browser
from primus.option_checks import flag
from primus.pipeline import Transform
from primus_spark_latency import reports

__all__ = [
    "SparkLatencyOptions",
    "SparkLatencyPrimus",
    "SparkLatencySpark",
    "primus_browser",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_incoming",
    "primus_latency",
    "primus_options",
    "primus_order",
    "primus_teardown",
]

OPTION = "use_clock_offset"


class SparkLatencyOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``spark-latency``."""

    use_clock_offset: bool


class SparkLatencyPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``spark-latency``."""

    if TYPE_CHECKING:

        def __init__(
            self, server: object = None, **options: Unpack[SparkLatencyOptions]
        ) -> None: ...


class SparkLatencySpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``spark-latency``; applications derive from it."""

    latency: float = 0.0
    """The last round trip to the client in seconds; 0 before the first."""
    clock_offset: float = 0.0
    """How many seconds the server's clock is ahead of the client's; 0 before it is known."""


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Of servers and of sockets."""
    return {OPTION: False}


@hookimpl
def primus_order() -> Order:
    """A report is no message for the listeners of ``data`` that emit-broadcast calls itself."""
    return Order(before="emit-broadcast")


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """Nothing but its option, for type checkers."""
    return SparkLatencyPrimus


@hookimpl
def primus_extend_spark() -> type[SparkLatencySpark]:
    """``spark.latency`` and ``spark.clock_offset``."""
    return SparkLatencySpark


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Take the reports of clients."""
    takes_clock = _takes_clock(primus.options.extra)

    def incoming(packet: Packet, spark: Any) -> Any:
        report = reports.read(packet.data, takes_clock)
        if report is None or not isinstance(spark, Spark):
            return None
        latency, clock = report
        _set(spark, latency, clock)
        return False

    return incoming


def _set(spark: Any, latency: float | None, clock: float | None) -> None:
    if latency is not None:
        spark.latency = latency
    if clock is not None:
        now = spark.primus.stamp() / 1000
        spark.clock_offset = now - clock - spark.latency / 2


def _takes_clock(extra: Mapping[str, Any]) -> bool:
    return flag(OPTION, extra[OPTION])


@hookimpl
def primus_latency(connection: Any, seconds: float) -> None:
    """Keep what the server has measured, and report what a socket has."""
    if isinstance(connection, Spark):
        _set(connection, seconds, None)
        return
    now = time.time() if _takes_clock(connection.options.extra) else None
    connection.write(reports.report(seconds, now))


@hookimpl
def primus_teardown(primus: Primus) -> None:
    """Forget what is known of the sparks."""
    for spark in primus:
        for name in ("latency", "clock_offset"):
            vars(spark).pop(name, None)


@hookimpl
def primus_browser() -> Browser:
    """The reports of clients in the browser."""
    return Browser.read("primus_spark_latency")
