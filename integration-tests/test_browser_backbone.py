"""The plugin ``backbone`` in a page with the real Backbone."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium, Tab
from harness.node import installed_peer
from harness.parties import Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIBRARIES = ("underscore/underscore-umd.js", "backbone/backbone-min.js")
SETUP = """
  window.socket = new Primus();
  const Todo = Backbone.Model.extend({ urlRoot: '/todos' });
  const Todos = Backbone.Collection.extend({ model: Todo, url: '/todos' });
  Object.assign(window, { Todo, Todos, story: [] });
  null;
"""


@pytest_asyncio.fixture(loop_scope="session")
async def server(stage: Stage) -> Server:
    """A server with a handler for ``todos``."""
    stage.speech = Speech(plugin="emitter, backbone")
    server = await stage.server(OURS_IN_PYTHON)
    await server.ask("backbone", name="todos")
    return server


@pytest_asyncio.fixture(loop_scope="session")
async def tab(stage: Stage, server: Server) -> AsyncIterator[Tab]:
    """A page that has Backbone and a client; in the end it has thrown nothing."""
    client = await stage.cast.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)
    tab = await client.peer.tab(f"{server.url()}/")
    modules = installed_peer("backbone") / "node_modules"
    for library in LIBRARIES:
        await tab.run(f"{(modules / library).read_text()}\n;null")
    await tab.run(SETUP)
    yield tab
    assert not tab.errors
    await tab.close()


async def test_models_are_saved_fetched_changed_and_destroyed(tab: Tab) -> None:
    assert await tab.run("new Todo({ title: 'milk' }).save().then(({ id }) => id)") == "1"
    assert await tab.run("new Todo({ title: 'bread' }).save().then(({ id }) => id)") == "2"

    await tab.run("new Todo({ id: '1' }).save({ title: 'oats' }, { patch: true })")
    assert await tab.run(
        "(async () => { const todo = new Todo({ id: '1' });"
        "await todo.fetch(); return todo.toJSON(); })()"
    ) == {"id": "1", "title": "oats"}
    await tab.run("new Todo({ id: '2' }).destroy()")
    assert await tab.run(
        "(async () => { const todos = new Todos();"
        "todos.on('sync', () => story.push('sync')); await todos.fetch();"
        "return [todos.toJSON(), story]; })()"
    ) == [[{"id": "1", "title": "oats"}], ["sync"]]


async def test_what_a_handler_refuses_is_an_error_of_the_model(tab: Tab) -> None:
    await tab.run(
        "new Todo({}).save(null, { error: (model, why) => story.push(why),"
        "success: () => story.push('saved') }); null"
    )
    await tab.until("story.length")
    await tab.run(
        "window.todo = new Todo({ id: '9', title: 'x' });"
        "todo.on('error', (model, why) => story.push(why)); todo.save(); null"
    )
    await tab.until("story.length > 1")

    assert await tab.run("story") == ["no title", "todos has no update"]


async def test_models_and_collections_hear_the_server_until_they_are_unbound(
    tab: Tab, server: Server
) -> None:
    await tab.run(
        "window.todos = new Todos(); window.todo = new Todo({ id: '7' });"
        "todos.ioBind('create', (attributes) => todos.add(attributes));"
        "todo.ioBind('update', (attributes) => todo.set(attributes));"
        "todo.ioBind('delete', () => story.push('delete'));"
        "todo.ioUnbind('delete'); socket.id().then(() => story.push('ready')); null"
    )
    await tab.until("story.includes('ready')")

    async def send(event: str, *args: object) -> None:
        await server.ask("send", spark=None, name=event, args=list(args))

    await send("/todos/7:delete")
    await send("/todos:create", {"id": "8"})
    await send("/todos/7:update", {"title": "milk"})
    await tab.until("todo.get('title') === 'milk'")
    assert await tab.run("todos.length") == 1

    await tab.run("todo.ioUnbindAll(); todos.ioUnbindAll(); null")
    await tab.run("socket.on('/todos/7:update', () => story.push('seen')); null")
    await send("/todos:create", {"id": "9"})
    await send("/todos/7:update", {"title": "bread"})
    await tab.until("story.includes('seen')")

    assert await tab.run("[todos.length, todo.get('title'), story]") == [
        1,
        "milk",
        ["ready", "seen"],
    ]
