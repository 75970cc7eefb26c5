"""Handlers of an application for every spark: functions, and classes with an object for each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from primus import Primus, Spark, hookimpl, listens
from primus.closed import Closed
from primus_testing import Recorder, eventually, join


def test_a_function_is_called_for_every_spark_with_the_spark_first(primus: Primus) -> None:
    seen: list[Any] = []
    early, first = join(primus)

    @primus.on_spark("data")
    def data(spark: Spark, message: Any) -> None:
        seen.append((spark, message))

    late, second = join(primus)
    first.receive('"early"')
    second.receive('"late"')

    assert seen == [(early, "early"), (late, "late")]


def test_a_function_takes_of_the_arguments_what_it_likes(primus: Primus) -> None:
    seen: list[Any] = []
    primus.on_spark("data", lambda spark: seen.append("spark"))
    primus.on_spark("data", lambda spark, message, raw: seen.append((message, raw)))
    primus.on_spark("end", lambda spark, closed: seen.append(type(closed)))
    spark, wire = join(primus)

    wire.receive("1")
    spark.end()

    assert seen == ["spark", (1, "1"), Closed]


def test_one_listener_of_every_spark_stays_on_the_fast_path(primus: Primus) -> None:
    primus.on_spark("data", lambda spark, message: None)
    spark, _ = join(primus)

    assert spark._direct is not None


async def test_an_async_function_is_awaited_before_the_next_message(primus: Primus) -> None:
    seen: list[Any] = []
    released = asyncio.Event()

    @primus.on_spark("data")
    async def data(spark: Spark, message: Any) -> None:
        seen.append(message)
        await released.wait()

    _, wire = join(primus)
    wire.receive("1", "2")
    await eventually(lambda: seen == [1])
    released.set()
    await eventually(lambda: seen == [1, 2])


def test_handlers_are_there_before_the_connection_listeners(primus: Primus) -> None:
    seen: list[str] = []
    primus.on("connection", lambda spark: spark.end())
    primus.on_spark("end", lambda spark: seen.append("end"))

    join(primus)

    assert seen == ["end"]


def test_a_handler_that_is_taken_off_is_called_for_no_spark(primus: Primus) -> None:
    seen: list[Any] = []

    def data(spark: Spark, message: Any) -> None:
        seen.append(message)

    primus.on_spark("data", data)
    _, before = join(primus)
    primus.off_spark("data", data)
    _, after = join(primus)
    before.receive("1")
    after.receive("2")

    assert seen == []


@pytest.mark.parametrize("fn", [lambda: None, "data", 5])
def test_a_function_that_does_not_take_the_spark_is_refused(primus: Primus, fn: Any) -> None:
    with pytest.raises(TypeError, match="handler of 'data' must be callable with the spark"):
        primus.on_spark("data", fn)


def test_the_handlers_of_a_plugin_go_with_it_and_later_ones_stay(primus: Primus) -> None:
    class Plugin:
        @hookimpl
        def primus_setup(self, primus: Primus) -> None:
            primus.on_spark("data", lambda spark: seen.append("plugin"))

    seen: list[str] = []
    primus.use("mine", Plugin())
    primus.on_spark("data", lambda spark: seen.append("application"))
    primus.plugout("mine")
    _, wire = join(primus)

    wire.receive("1")

    assert seen == ["application"]


def test_a_failing_plugin_leaves_no_handler(primus: Primus) -> None:
    class Plugin:
        @hookimpl
        def primus_setup(self, primus: Primus) -> None:
            primus.on_spark("data", lambda spark: None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        primus.use("mine", Plugin())

    assert primus.spark_listeners == ()


def test_a_class_has_an_object_for_each_connection(primus: Primus) -> None:
    @primus.handler
    class Counter:
        def __init__(self, spark: Spark) -> None:
            self.spark = spark
            self.count = 0

        @listens("connection")
        def begin(self) -> None:
            self.spark.write("welcome")

        @listens("data")
        def counted(self, message: Any) -> None:
            self.count += 1
            self.spark.write(self.count)

        @listens("end", "error")
        def over(self) -> None:
            seen.append(self.count)

    seen: list[int] = []
    (one, first), (_, second) = join(primus), join(primus)
    first.receive('"a"', '"b"')
    second.receive('"c"')
    one.end()

    assert first.sent[:3] == ['"welcome"', "1", "2"]
    assert second.sent == ['"welcome"', "1"]
    assert seen == [2]
    assert isinstance(Counter(one), Counter)


def test_a_listener_of_a_class_stays_on_the_fast_path(primus: Primus) -> None:
    @primus.handler
    class Handler:
        def __init__(self, spark: Spark) -> None: ...

        @listens("data")
        def data(self, message: Any) -> None: ...

    spark, _ = join(primus)

    assert spark._direct is not None


async def test_an_async_beginning_is_awaited_before_messages(primus: Primus) -> None:
    released = asyncio.Event()

    @primus.handler
    class Slow:
        def __init__(self, spark: Spark) -> None:
            self.spark = spark

        @listens("connection")
        async def begin(self) -> None:
            await released.wait()
            seen.append("begun")

        @listens("data")
        def data(self, message: Any) -> None:
            seen.append(message)

    seen: list[Any] = []
    _, wire = join(primus)
    wire.receive('"message"')
    await asyncio.sleep(0)
    assert seen == []
    released.set()
    await eventually(lambda: seen == ["begun", "message"])


async def test_an_object_that_cannot_be_made_ends_the_connection(
    primus: Primus, tracebacks: Any
) -> None:
    tracebacks.expect("a connection listener raised")

    @primus.handler
    class Broken:
        def __init__(self, spark: Spark) -> None:
            raise ZeroDivisionError

    spark, _ = join(primus)
    ended = Recorder(spark, "end")

    await eventually(lambda: spark.ready_state == Spark.CLOSED)
    assert ended.story == []


@pytest.mark.parametrize("kind", [object(), lambda spark: None, type("Nothing", (), {})])
def test_a_handler_that_is_no_class_for_sparks_is_refused(primus: Primus, kind: Any) -> None:
    with pytest.raises(TypeError, match="a handler must be a class that takes the spark"):
        primus.handler(kind)


async def test_a_spark_that_leaves_during_an_async_handler_meets_no_other(
    primus: Primus,
) -> None:
    go_on, met = asyncio.Event(), []

    @primus.on("connection")
    async def first(spark: Any) -> None:
        await go_on.wait()

    primus.on("connection", met.append)
    _, wire = join(primus)
    stays, _ = join(primus)
    wire.lose()
    go_on.set()
    await eventually(lambda: met)

    assert met == [stays]
