"""A plugin with two hooks, in this order."""

from __future__ import annotations

from primus import Primus, Spark, hookimpl


@hookimpl
def primus_setup(primus: Primus) -> None:
    primus.counted = 0  # type: ignore[attr-defined]


@hookimpl
def primus_connection(spark: Spark) -> None:
    spark.primus.counted += 1  # type: ignore[attr-defined]
