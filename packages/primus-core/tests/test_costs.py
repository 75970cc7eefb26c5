"""What a message does not cost: neither a task nor a call through pluggy."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pluggy
import pytest

from primus import Primus, Socket, Spark, hookimpl
from primus_testing import MemoryTransport, join

MakePrimus = Callable[..., Primus]


class Plugin:
    """A plugin with something on every path."""

    @hookimpl
    def primus_incoming(self, primus: Primus) -> Any:
        return lambda packet, spark: None

    @hookimpl
    def primus_outgoing(self, primus: Primus) -> Any:
        return lambda packet, spark: None

    @hookimpl
    def primus_connection(self, spark: Spark) -> None:
        spark.on("data", lambda message: None)

    @hookimpl
    def primus_disconnection(self, spark: Spark) -> None: ...


@pytest.fixture
def pluggy_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the calls of hooks, whichever way they go."""
    calls: Counter[str] = Counter()
    original = pluggy.HookCaller.__call__

    def counted(caller: Any, **arguments: Any) -> Any:
        if caller.name.startswith("primus_"):  # pytest calls hooks of its own
            calls[caller.name] += 1
        return original(caller, **arguments)

    monkeypatch.setattr(pluggy.HookCaller, "__call__", counted)
    return calls


@pytest.fixture
def tasks() -> list[str]:
    """The names of the coroutines that became tasks on the running loop."""
    return []


def count_tasks(into: list[str]) -> None:
    """Note every task that is made from now on."""

    def factory(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        into.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    asyncio.get_running_loop().set_task_factory(factory)  # type: ignore[arg-type]


def converse(primus: Primus, spark: Spark, wire: MemoryTransport) -> None:
    """A hundred messages each way, with everything that comes in between."""
    for number in range(100):
        wire.receive(str(number), '"primus::ping::1"', '"primus::id::"', "nonsense")
        spark.write(number)
        primus.write(number)


@pytest.mark.parametrize("plugin", [None, {"mine": Plugin()}])
async def test_messages_with_plain_listeners_make_no_task_and_no_pluggy_call(
    make_primus: MakePrimus, pluggy_calls: Counter[str], tasks: list[str], plugin: Any
) -> None:
    primus = make_primus(plugin=plugin)
    primus.on("connection", lambda spark: spark.on("data", lambda message: None))
    spark, wire = join(primus)
    pluggy_calls.clear()
    count_tasks(tasks)
    converse(primus, spark, wire)
    assert len(wire.sent) == 400
    assert tasks == []
    assert pluggy_calls == {}


async def test_connections_with_plain_listeners_make_no_task_and_no_pluggy_call(
    make_primus: MakePrimus, pluggy_calls: Counter[str], tasks: list[str]
) -> None:
    primus = make_primus(plugin={"mine": Plugin()})
    primus.on("connection", lambda spark: None)
    pluggy_calls.clear()
    count_tasks(tasks)
    for _ in range(10):
        spark, _ = join(primus)
        spark.end()
    assert tasks == []
    assert pluggy_calls == {}


async def test_the_counter_of_tasks_does_count(make_primus: MakePrimus, tasks: list[str]) -> None:
    primus = make_primus()
    spark, wire = join(primus)

    @spark.on("data")
    async def listener(message: Any) -> None: ...

    count_tasks(tasks)
    wire.receive("1", "2", "3")
    assert len(tasks) == 1
    await asyncio.sleep(0)


def test_the_counter_of_pluggy_calls_does_count(pluggy_calls: Counter[str]) -> None:
    manager = pluggy.PluginManager("primus")
    from primus import hookspecs

    manager.add_hookspecs(hookspecs)
    manager.hook.primus_setup(primus=None)
    assert pluggy_calls == {"primus_setup": 1}


def test_one_timer_serves_a_thousand_sparks(make_primus: MakePrimus, manual_clock: Any) -> None:
    primus = make_primus()
    for _ in range(1000):
        join(primus)
    assert manual_clock.pending == 1


async def test_a_thousand_sparks_that_come_talk_and_go_leave_no_object(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(plugin={"mine": Plugin()})

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)

    async def crowd(size: int) -> None:
        met = [join(primus, "/primus?a=1", headers={"Host": "x"}) for _ in range(size)]
        for spark, wire in met:
            wire.receive('{"a":[1]}')
            spark.pipe(spark)
        primus.write("to all")
        for number, (spark, wire) in enumerate(met):
            if number % 2:
                spark.end("bye")
            else:
                wire.lose()
        await asyncio.sleep(0)

    for _ in range(2):  # caches are filled
        await crowd(100)
        before = census()
    for _ in range(3):
        await crowd(1000)
    assert len(primus) == 0
    grown = census() - before
    assert {name: count for name, count in grown.items() if count > 50} == {}


async def test_a_spark_is_freed_without_the_help_of_the_garbage_collector(
    primus: Primus,
) -> None:
    def connection(spark: Spark) -> None:
        for event in ("data", "end", "heartbeat", "readyStateChange"):
            spark.on(event, lambda: spark.headers)

    primus.on("connection", connection)
    join(primus)[0].end()
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            _, wire = join(primus)
            wire.receive("1")
            wire.lose()
        alive = sum(isinstance(one, Spark) for one in gc.get_objects())
    finally:
        gc.enable()
    assert alive < 10


def census() -> Counter[str]:
    """How many objects there are, by type."""
    for _ in range(3):
        gc.collect()
    return Counter(type(one).__qualname__ for one in gc.get_objects())


@pytest.mark.parametrize("kind", [Primus, Spark, Socket])
def test_attributes_are_read_the_short_way(kind: type) -> None:
    """A class with `__getattr__` reads every attribute the long way in CPython 3.11."""
    assert not hasattr(kind, "__getattr__")
    assert kind.__getattribute__ is object.__getattribute__
