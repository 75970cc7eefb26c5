"""Resources on the Python client, which may lose its connection and come back."""

import asyncio
from collections import UserDict
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from primus import OptionError, PrimusError, ValidationError
from primus_resource import Calls, ResourceError, ResourceLost, ResourceTimeout
from primus_testing import Recorder, eventually

PLUGIN = "emitter, resource"


@dataclass
class Item:
    """A thing to do."""

    text: str
    done: bool = False


class Todo:
    """A list of things to do."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def on_add(self, spark: Any, item: Item) -> Item:
        self.items.append(item)
        return item

    def on_all(self, spark: Any) -> list[Item]:
        return self.items

    def on_clear(self, spark: Any) -> None:
        self.items.clear()

    def on_two(self, spark: Any) -> Any:
        return 1, "two"

    def on_ready_not(self, spark: Any) -> str:
        return "a name of its own"


class Remote(Calls, Protocol):
    """The same, as its clients see it."""

    async def add(self, item: Item) -> Item: ...
    async def all(self) -> list[Item]: ...
    def clear(self) -> Awaitable[None]: ...
    async def two(self) -> tuple[int, str]: ...


class Lying(Protocol):
    """Not what the server has."""

    async def all(self) -> int: ...
    async def missing(self) -> None: ...


@pytest.fixture
def todo(primus: Any) -> Todo:
    return primus.resource("todo", Todo(), multiplex=False)  # type: ignore[no-any-return]


async def test_methods_are_there_once_it_is_ready(make_socket: Any, todo: Todo) -> None:
    socket = make_socket()
    remote = socket.resource("todo", multiplex=False)
    with pytest.raises(AttributeError, match=r"no method 'add': await ready\(\) first"):
        _ = remote.add

    assert await remote.ready() == ["add", "all", "clear", "ready_not", "two"]

    assert await remote.add({"text": "learn"}) == {"text": "learn", "done": False}
    assert await remote.call("two") == (1, "two")
    assert "all" in dir(remote)
    assert await remote.ready_not() == "a name of its own"
    assert socket.resource("todo", multiplex=False) is remote
    with pytest.raises(AttributeError, match="no method 'walk': it has add, all"):
        _ = remote.walk


async def test_it_may_be_asked_for_after_the_server_has_announced_it(
    primus: Any, make_socket: Any, todo: Todo
) -> None:
    socket = await make_socket().opened()
    await socket.id()

    remote = socket.resource("todo", multiplex=False)

    assert "add" in await remote.ready()


async def test_a_declared_resource_converts_both_ways_and_needs_not_be_ready(
    make_socket: Any, todo: Todo
) -> None:
    remote = make_socket().resource("todo", Remote, multiplex=False)

    assert await remote.add(Item("learn")) == Item("learn")
    assert todo.items == [Item("learn")]
    assert await remote.all() == [Item("learn")]
    assert await remote.two() == (1, "two")
    assert await remote.clear() is None
    assert todo.items == []
    assert "add" in await remote.ready()


async def test_an_answer_that_is_not_what_was_declared_is_an_error(
    make_socket: Any, todo: Todo
) -> None:
    remote = make_socket().resource("todo", Lying, multiplex=False)

    with pytest.raises(ValidationError):
        await remote.all()
    with pytest.raises(PrimusError, match="no listener"):
        await remote.missing()


async def test_an_argument_that_is_refused_is_an_error_with_its_name(
    make_socket: Any, todo: Todo
) -> None:
    remote = make_socket().resource("todo", Remote, multiplex=False)

    with pytest.raises(PrimusError, match=r"^item\.text: "):
        await remote.call("add", {"text": 5})


async def test_what_is_broadcast_is_an_event(primus: Any, make_socket: Any, todo: Any) -> None:
    remote = make_socket().resource("todo", multiplex=False)
    heard: list[Any] = []
    remote.once("added", lambda *args: heard.append(("once", *args)))

    @remote.on("added")
    def added(item: Any) -> None:
        heard.append(item)

    await remote.ready()
    for text in ("one", "two"):
        todo.broadcast("added", Item(text))
    await eventually(lambda: len(heard) == 3)
    remote.off("added", added)
    todo.broadcast("added", Item("three"))
    await remote.call("all")

    assert [each["text"] if isinstance(each, dict) else each[0] for each in heard] == [
        "once", "one", "two"
    ]  # fmt: skip


async def test_it_is_ready_again_with_each_connection(
    primus: Any, make_socket: Any, todo: Any
) -> None:
    socket = make_socket()
    remote = socket.resource("todo", multiplex=False)
    ready: list[Any] = []
    remote.on("ready", lambda name, methods: ready.append((name, methods)))
    await remote.ready()
    events = Recorder(socket, "close", "open")
    todo.on_more = lambda spark: "more"
    (spark,) = primus
    spark.abort()
    await events.next("close")

    socket.options.clock.advance(1.0)
    await events.next("open")

    await eventually(lambda: len(ready) == 2)
    assert [(name, len(methods)) for name, methods in ready] == [("todo", 5), ("todo", 6)]
    assert await remote.more() == "more"


@pytest.mark.parametrize("end", ["end", "destroy"])
async def test_waiting_for_it_ends_with_the_connection(make_socket: Any, end: str) -> None:
    socket = make_socket()
    waiting = asyncio.create_task(socket.resource("other", multiplex=False).ready(timeout=None))
    await socket.opened()

    getattr(socket, end)()

    with pytest.raises(ResourceLost, match="'other'"):
        await waiting


async def test_waiting_for_it_has_a_timeout(make_socket: Any, todo: Todo) -> None:
    socket = make_socket()
    await socket.opened()
    waiting = asyncio.create_task(socket.resource("other", multiplex=False).ready(timeout=2))
    before = socket.options.clock.pending
    await eventually(lambda: socket.options.clock.pending > before)

    socket.options.clock.advance(2)

    with pytest.raises(ResourceTimeout, match="agree on multiplex"):
        await waiting


async def test_a_wait_for_it_that_is_given_up_leaves_nothing(make_socket: Any) -> None:
    socket = make_socket()
    await socket.opened()
    other = socket.resource("other", multiplex=False)
    waiting = asyncio.create_task(other.ready())
    await eventually(lambda: other._waiting)

    waiting.cancel()

    await eventually(lambda: not other._waiting)


@pytest.mark.parametrize("names", [None, 5, {}, "abc", [1, None, ["x"]], ["add", 7] * 2000])
async def test_a_server_can_name_anything(primus: Any, make_socket: Any, names: Any) -> None:
    primus.on("connection", lambda spark: spark.send("todo::ready", names))

    remote = make_socket().resource("todo", multiplex=False)

    assert all(each == "add" for each in await remote.ready())
    assert len(remote.methods) <= 1024


async def test_a_server_that_announces_without_end_is_not_listened_to(
    primus: Any, make_socket: Any
) -> None:
    socket = await make_socket(resource_names=20).opened()
    (spark,) = primus

    for number in range(30):
        spark.send(f"{number}::ready", [])
    await socket.id()

    await eventually(lambda: len(socket.resources.announced) == 20)


async def test_long_names_that_a_server_announces_without_end_are_not_kept(
    primus: Any, make_socket: Any
) -> None:
    socket = await make_socket(max_length=100_000).opened()
    (spark,) = primus

    for number in range(30):
        spark.send(f"{number}::ready", ["x" * 20_000])
    spark.send("0::ready", ["short"])
    spark.send("last::ready", ["add"])
    await socket.id()
    announced = socket.resources.announced
    await eventually(lambda: "last" in announced)

    assert [*announced] == ["0", "1", "2", "3", "last"]
    assert (announced["0"], announced["last"]) == (["short"], ["add"])


@pytest.mark.parametrize("most", [0, True, "many", None, 1.5])
async def test_a_bound_that_cannot_work_is_refused(
    make_primus: Any, make_socket: Any, most: Any
) -> None:
    with pytest.raises(OptionError, match="resource_names="):
        make_socket(resource_names=most)
    with pytest.raises(OptionError, match="resource_names="):
        make_primus(PLUGIN, resource_names=most)


async def test_what_the_parser_has_no_form_for_is_made_plain_both_ways(
    make_socket: Any, todo: Any
) -> None:
    remote = make_socket().resource("todo", multiplex=False)
    heard: list[Any] = []
    ready: list[Any] = []
    remote.on("added", heard.append)
    remote.on("ready", lambda name, methods: ready.append((name, methods[0])))

    await remote.ready()
    assert await remote.call("add", UserDict(text="one")) == {"text": "one", "done": False}
    todo.broadcast("added", UserDict(text="two"))

    await eventually(lambda: heard == [{"text": "two"}])
    assert ready == [("todo", "add")]


async def test_a_private_name_is_no_method_whatever_is_declared(make_socket: Any) -> None:
    class Base(Protocol):
        async def inherited(self) -> int: ...

    class Remote(Base, Calls, Protocol):
        async def _private(self) -> int: ...

        limit = 5

    remote = make_socket().resource("todo", Remote, multiplex=False)

    assert callable(remote.inherited)
    for name in ("_private", "limit", "__wrapped__", "ready_not"):
        with pytest.raises(AttributeError):
            getattr(remote, name)


async def test_plugins_that_are_missing_are_named(make_primus: Any) -> None:
    for plugin, missing in (("resource", "emitter"), ("emitter, resource", "multiplex")):
        socket = make_primus(plugin).Socket("http://memory", manual=True)
        with pytest.raises(ResourceError, match=f"needs the plugin '{missing}'"):
            socket.resource("todo", multiplex=missing == "multiplex")
        socket.destroy()


async def test_a_declaration_that_cannot_be_used_is_refused(make_socket: Any) -> None:
    class Wrong(Protocol):
        async def all(self) -> "range": ...

    with pytest.raises(ResourceError, match=r"Wrong\.all"):
        make_socket().resource("todo", Wrong, multiplex=False)
    with pytest.raises(ResourceError, match="must be a class"):
        make_socket().resource("todo", 5, multiplex=False)
