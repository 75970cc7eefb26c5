"""What models ask of handlers, and what they are answered."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from primus import Primus
from primus_backbone import BackboneError
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually, join


class Todos:
    """Answers with what it was asked, or raises what it is given."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.error: Exception | None = None

    def create(self, spark: Any, data: Any, url: Any) -> Any:
        self.calls.append((spark, data, url))
        if self.error is not None:
            raise self.error
        return {"id": 7}

    async def read(self, spark: Any, data: Any, url: Any) -> Any:
        return self.create(spark, data, url)

    def update(self, spark: Any, data: Any, url: Any) -> None:
        self.create(spark, data, url)

    def delete(self, spark: Any, data: Any, url: Any) -> object:
        return object()


@pytest_asyncio.fixture
async def primus(tracebacks: Tracebacks) -> AsyncIterator[Any]:
    """A server with the plugin and `emitter`; nothing may be logged as an error."""
    made = Primus(transformer=MemoryTransformer, clock=ManualClock(), plugin="backbone, emitter")
    yield made
    await made.destroy()


@pytest.fixture
def todos(primus: Any) -> Any:
    """A handler that is in use."""
    handler = Todos()
    assert primus.backbone("todos", handler) is handler
    return handler


def asked(event: str, *args: Any, id: int = 1) -> str:
    return json.dumps({"type": 0, "data": [event, *args], "id": id})


def answer(*data: Any, id: int = 1) -> dict[str, Any]:
    return {"id": id, "type": 1, "data": [*data]}


def sent(wire: Any) -> list[Any]:
    return [json.loads(frame) for frame in wire.sent]


async def test_a_handler_is_called_and_what_it_returns_is_acknowledged(
    primus: Any, todos: Todos
) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data")

    wire.receive(asked("todos:create", {"title": "milk"}, "/todos"))
    wire.receive(asked("todos:read", [], "todos", id=2), asked("todos:update", None, 5, id=3))
    await eventually(lambda: len(wire.sent) == 3)

    assert todos.calls == [
        (spark, {"title": "milk"}, "/todos"),
        (spark, [], "todos"),
        (spark, None, 5),
    ]
    assert sent(wire) == [
        answer(None, {"id": 7}),
        answer(None, {"id": 7}, id=2),
        answer(None, None, id=3),
    ]
    assert events.story == []


@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3)])
def test_a_client_may_leave_arguments_out_or_add_some(
    primus: Any, todos: Todos, args: tuple[Any, ...]
) -> None:
    spark, wire = join(primus)

    wire.receive(asked("todos:create", *args))

    assert todos.calls == [(spark, *(*args, None, None)[:2])]
    assert sent(wire) == [answer(None, {"id": 7})]


@pytest.mark.parametrize("method", ["create", "read"])
async def test_a_refusal_is_acknowledged_by_its_text(
    primus: Any, todos: Todos, method: str
) -> None:
    todos.error = BackboneError("no title")
    _, wire = join(primus)

    wire.receive(asked(f"todos:{method}", {}, "todos"))
    await eventually(lambda: wire.sent)

    assert sent(wire) == [answer("no title")]


@pytest.mark.parametrize(
    ("error", "text"), [(ValueError("no title"), "no title"), (ValueError(), "ValueError")]
)
def test_any_other_error_is_acknowledged_and_logged(
    primus: Any, todos: Todos, tracebacks: Tracebacks, error: Exception, text: str
) -> None:
    tracebacks.expect("the handler of 'todos:create' failed")
    todos.error = error
    _, wire = join(primus)

    wire.receive(asked("todos:create", {}, "todos"))

    assert sent(wire) == [answer(text)]


def test_what_cannot_be_sent_is_logged_and_acknowledged_as_an_error(
    primus: Any, todos: Todos, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("the handler of 'todos:delete' failed")
    _, wire = join(primus)

    wire.receive(asked("todos:delete", {}, "todos/7"))

    assert sent(wire) == [answer("todos:delete has no answer that can be sent")]


def test_a_method_that_the_handler_lacks_is_an_error(primus: Any, todos: Todos) -> None:
    _, wire = join(primus)

    wire.receive(asked("todos:patch", {}, "todos/7"))

    assert sent(wire) == [answer("todos has no patch")]


def test_without_an_acknowledgement_the_handler_is_called_and_nothing_is_sent(
    primus: Any, todos: Todos
) -> None:
    todos.error = BackboneError("no title")
    _, wire = join(primus)

    wire.receive('{"type":0,"data":["todos:create",{},"todos"]}')

    assert len(todos.calls) == 1
    assert wire.sent == []


def test_clients_that_are_there_already_may_ask_too(primus: Any) -> None:
    _, wire = join(primus)

    primus.backbone("todos", Todos())
    wire.receive(asked("todos:create", {}, "todos"))

    assert sent(wire) == [answer(None, {"id": 7})]


def test_plugging_it_out_leaves_no_listener(primus: Any, todos: Todos) -> None:
    spark, wire = join(primus)
    spark.on("todos:read", print)

    primus.plugout("backbone")
    wire.receive(asked("todos:create", {}, "todos"))

    assert spark.listeners("todos:read") == (print,)
    assert (todos.calls, wire.sent) == ([], [])


@pytest.mark.parametrize("name", ["", "/todos", "todos/7", "todos:read", 5])
def test_a_name_that_no_url_begins_with_is_refused(primus: Any, name: Any) -> None:
    with pytest.raises(BackboneError, match="first segment"):
        primus.backbone(name, Todos())


def test_a_name_that_is_taken_and_a_handler_without_methods_are_refused(
    primus: Any, todos: Todos
) -> None:
    with pytest.raises(BackboneError, match="already"):
        primus.backbone("todos", Todos())
    with pytest.raises(BackboneError, match="none of the methods"):
        primus.backbone("notes", object())


async def test_it_says_that_it_needs_the_plugin_emitter() -> None:
    primus: Any = Primus(transformer=MemoryTransformer, plugin="backbone")

    with pytest.raises(BackboneError, match="needs 'emitter'"):
        primus.backbone("todos", Todos())
    await primus.destroy()
