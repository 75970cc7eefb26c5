"""Every Python block of the pages compiles and runs, and the whole programs do what they should."""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pages import PAGES, Snippet, named, snippets

import primus as primus_package
from primus import Primus, Socket, connect
from primus_testing import AsgiServer, MemoryTransformer, Recorder, eventually, join


@pytest.mark.parametrize("snippet", list(snippets("python")), ids=str)
def test_python_snippets_compile(snippet: Snippet) -> None:
    compile(snippet.text, str(snippet), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def nothing(*args: Any) -> None:
    """Stands for what an application has of its own."""


def surroundings(primus: Primus) -> dict[str, Any]:
    """The names that the snippets of a page take for granted."""
    spark, _ = join(primus, "/primus?room=7")
    public = {name: getattr(primus_package, name) for name in primus_package.__all__}
    own = dict.fromkeys(("find_user", "may_see", "under_maintenance", "main"), nothing)
    return (
        public
        | own
        | {
            "__name__": "snippet",
            "web": web,
            "primus": primus,
            "spark": spark,
            "socket": Socket("http://localhost:8080", manual=True),
        }
    )


@pytest.mark.parametrize("page", [page.name for page in PAGES])
async def test_the_snippets_of_a_page_run(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "run_app", lambda *args, **kwargs: None)
    monkeypatch.setitem(
        sys.modules, "uvloop", SimpleNamespace(run=lambda coroutine: coroutine.close())
    )
    made = Primus(web.Application())
    namespace = surroundings(made)

    for snippet in snippets("python"):
        if snippet.page == page and not snippet.caption:
            namespace["app"] = web.Application()
            exec(compile(snippet.text, str(snippet), "exec", dont_inherit=True), namespace)

    await made.destroy()


# -- whole programs


class Served:
    """An aiohttp application on a free port."""

    def __init__(self, app: web.Application) -> None:
        self.runner = web.AppRunner(app, shutdown_timeout=2)

    async def __aenter__(self) -> str:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def __aexit__(self, *error: object) -> None:
        await self.runner.cleanup()


def program(caption: str, name: str = "program") -> dict[str, Any]:
    namespace = {"__name__": name, "__file__": caption}
    exec(compile(named(caption), caption, "exec"), namespace)
    return namespace


async def output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def pytest_output(file: str) -> str:
    settings = ("asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function")
    options = [part for setting in settings for part in ("-o", setting)]
    return await output("-m", "pytest", "-q", "-W", "error", *options, file)


async def test_the_first_client_gets_its_echo_from_the_first_server(folder: Path) -> None:
    server = program("server.py")

    async with Served(server["app"]) as url:
        (folder / "client.py").write_text(named("client.py").replace("http://localhost:8080", url))

        assert await output("client.py") == "{'echo': {'hello': 'world'}}\n"


async def test_the_fastapi_application_has_a_primus_beside_it() -> None:
    async with AsgiServer(program("news.py")["primus"].asgi) as server:
        assert (await server.get("/primus/spec")).json()["pathname"] == "/primus"
        published = server.request("POST", "/news?text=rain")
        assert (await published.answer()).json() == {"readers": 0}


async def test_the_mounted_primus_is_found_and_opens_websockets() -> None:
    async with AsgiServer(program("mounted.py")["app"]) as server:
        assert (await server.get("/primus/spec")).json()["pathname"] == "/primus"
        socket = server.websocket("/primus?_primuscb=1")
        await socket.next("websocket.accept")
        socket.send("websocket.disconnect", code=1001)
        assert await socket.end() == []


async def test_the_first_page_is_served_with_its_client(folder: Path) -> None:
    server = program("server.py")

    async with Served(server["app"]) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            assert '<script src="/primus/primus.js">' in await page.text()
        async with session.get(f"{url}/primus/primus.js") as library:
            assert await library.text() == server["primus"].library(minified=True)


async def test_the_server_without_an_application_echoes(capsys: pytest.CaptureFixture[str]) -> None:
    task = asyncio.create_task(program("standalone.py")["main"]())
    printed: list[str] = []
    await eventually(lambda: printed.append(capsys.readouterr().out) or "".join(printed))
    url = "".join(printed).split()[-1]

    async with connect(url) as socket:
        socket.write("hello")
        assert await anext(aiter(socket)) == "hello"

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_deployed_server_stops_in_order_at_a_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Primus] = []
    create_server = Primus.create_server

    async def recorded(*args: Any, **options: Any) -> Primus:
        made.append(await create_server(*args, **options))
        return made[0]

    monkeypatch.setenv("PORT", "0")
    monkeypatch.setattr(Primus, "create_server", recorded)
    task = asyncio.create_task(program("main.py")["main"]())
    await eventually(lambda: made)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await task
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(name)

    assert made[0].draining


async def test_the_ten_line_plugin_greets(folder: Path) -> None:
    import greeter

    primus = Primus(plugin={"greeter": greeter})
    _, wire = join(primus, "/primus?name=Ada")

    assert wire.sent == ['{"hello":"Ada"}']
    await primus.destroy()


async def test_the_plugin_of_the_kit_shouts_back_in_its_program(folder: Path) -> None:
    made = program("shouting.py")

    async with Served(made["app"]) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as page, session.get(f"{url}/primus/primus.js") as library:
            assert "primus.shout(field.value)" in await page.text()
            assert "primus.shout = " in await library.text()
        socket = made["primus"].Socket(url)
        events = Recorder(socket, "shout", "data")
        socket.shout("hello, and a lot more than twenty characters")

        assert await events.one("shout") == "HELLO, AND A LOT MOR"
        assert events.seen("data") == []
        socket.destroy()


async def test_the_ten_line_parser_carries_messages_and_control_text(folder: Path) -> None:
    from lines import Lines

    primus = Primus(transformer=MemoryTransformer, parser=Lines())
    primus.on("connection", lambda spark: spark.on("data", spark.write))
    socket = primus.Socket("http://memory")

    socket.write(["one", "two"])

    assert await anext(aiter(socket)) == ["one", "two"]
    assert primus.spark(await socket.id()) is not None
    await primus.destroy()


async def test_the_documented_application_of_the_command_line_broadcasts() -> None:
    primus = Primus()
    program("chat.py")["setup"](primus)
    (_, ada), (_, bob) = join(primus), join(primus)

    ada.receive('"hello"')

    assert ada.sent == bob.sent == ['"hello"']
    await primus.destroy()


@pytest.mark.parametrize("caption", ["test_chat.py", "test_network.py"])
async def test_the_documented_tests_pass(folder: Path, caption: str) -> None:
    (folder / caption).write_text(named(caption))

    assert " passed" in await pytest_output(caption)
