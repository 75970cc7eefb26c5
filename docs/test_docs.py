"""The documentation agrees with the code: its options, hooks, names, and every snippet."""

from __future__ import annotations

import ast
import asyncio
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

import primus as primus_package
from primus import Primus, Socket, hookspecs
from primus.clock import SYSTEM_CLOCK
from primus.options import ClientOptions, ServerOptions, client_options, server_options
from primus.recovery import Backoff

DOCS = Path(__file__).parent
PAGES = sorted(DOCS.glob("*.md"))
FENCE = re.compile(r"^```(?:\{code-block\} )?(\w+)\n((?::\w+:[^\n]*\n)*)(.*?)^```$", re.M | re.S)
CAPTION = re.compile(r"^:caption: (.+)$", re.M)
HEADING = re.compile(r"^#+ (.+)$", re.M)
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|(.*)$", re.M)


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    caption: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(*languages: str) -> Iterator[Snippet]:
    for page in PAGES:
        source = page.read_text("utf-8")
        for match in FENCE.finditer(source):
            caption = CAPTION.search(match[2])
            if match[1] in languages:
                yield Snippet(
                    page.name,
                    source.count("\n", 0, match.start()) + 1,
                    match[1],
                    caption[1] if caption else "",
                    match[3].strip() + "\n",
                )


def named(caption: str) -> str:
    """The text of the block with that file name above it."""
    found = [s.text for s in snippets("python", "javascript", "html") if s.caption == caption]
    assert len(found) == 1, f"{len(found)} blocks are called {caption}"
    return found[0]


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    source = (DOCS / page).read_text("utf-8")
    start = re.search(rf"^#+ {re.escape(heading)}$", source, re.M)
    assert start is not None, f"{page} has no heading {heading!r}"
    end = re.compile(r"^#+ ", re.M).search(source, start.end())
    return source[start.end() : end.start() if end else None]


def table(page: str, heading: str) -> dict[str, str]:
    """The second column of the rows below a heading, by the name in the first."""
    return {match[1]: match[2].strip("`") for match in ROW.finditer(section(page, heading))}


def literal(text: str) -> Any:
    special = {"inf": math.inf, "SYSTEM_CLOCK": SYSTEM_CLOCK}
    return special[text] if text in special else ast.literal_eval(text)


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind) if field.name != "extra"}


# -- options


def test_every_server_option_is_documented_and_no_other() -> None:
    assert table("options.md", "Server options").keys() == names(ServerOptions)


def test_every_client_option_is_documented_and_no_other() -> None:
    assert table("options.md", "Client options").keys() == names(ClientOptions)


def test_every_reconnect_option_is_documented_and_no_other() -> None:
    assert table("options.md", "Reconnect options").keys() == names(Backoff)


@pytest.mark.parametrize("name", sorted(names(ServerOptions)))
def test_giving_a_server_option_its_documented_default_changes_nothing(name: str) -> None:
    documented = literal(table("options.md", "Server options")[name])

    given = server_options({name: documented}, {})

    assert getattr(given, name) == getattr(server_options({}, {}), name)


@pytest.mark.parametrize("name", sorted(names(ClientOptions)))
def test_giving_a_client_option_its_documented_default_changes_nothing(name: str) -> None:
    documented = literal(table("options.md", "Client options")[name])

    given = client_options({name: documented})

    assert getattr(given, name) == getattr(ClientOptions(), name)


@pytest.mark.parametrize("name", sorted(names(Backoff)))
def test_the_documented_reconnect_defaults_are_the_real_ones(name: str) -> None:
    documented = literal(table("options.md", "Reconnect options")[name])

    assert getattr(Backoff(), name) == documented


def test_every_browser_option_is_documented_and_no_other() -> None:
    declared = files("primus.browser").joinpath("js", "primus.d.ts").read_text("utf-8")
    interface = declared.partition("interface Options {")[2].partition("\n  }")[0]

    options = set(re.findall(r"^    (\w+)\?:", interface, re.M))

    assert table("options.md", "Browser options").keys() == options


# -- hooks, errors, layers, events


def hooks() -> set[str]:
    return {name for name, fn in vars(hookspecs).items() if hasattr(fn, "primus_spec")}


def test_every_hook_has_a_heading_and_no_heading_lacks_its_hook() -> None:
    headings = set(HEADING.findall((DOCS / "hooks.md").read_text("utf-8")))

    assert headings - {"Hook reference"} == hooks()


@pytest.mark.parametrize("hook", sorted(hooks()))
def test_the_text_below_a_hook_is_read_from_its_specification(hook: str) -> None:
    assert f"```{{hook}} {hook}\n```" in section("hooks.md", hook)


def test_the_built_in_layers_are_documented_in_their_order() -> None:
    documented = [
        (name, rest.split("|")[0].strip() == "✓")
        for name, _, rest in ROW.findall(section("middleware.md", "The built-in layers"))
    ]

    assert documented == [(layer.name, layer.upgrade) for layer in Primus().layers]


@pytest.mark.parametrize("heading", ["Server", "Spark", "Socket"])
def test_every_public_event_is_documented(heading: str) -> None:
    server = Primus()
    emitters = {"Server": server, "Spark": server.Spark, "Socket": Socket}

    assert table("events.md", heading).keys() == set(emitters[heading].events.names)


def test_every_public_name_is_mentioned_somewhere() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    public = set(primus_package.__all__) - {"__version__", "PrimusError"}

    missing = {name for name in public if not re.search(rf"\b{name}\b", text)}

    assert missing == set()


# -- snippets


@pytest.mark.parametrize("snippet", list(snippets("python")), ids=str)
def test_python_snippets_compile(snippet: Snippet) -> None:
    compile(snippet.text, str(snippet), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


# -- snippets run, page by page

ENTRY_POINTS = """
[primus.plugins]
rooms = rooms_plugin
emit = emit_plugin
typing = primus_typing
"""
PLUGIN = """
from primus import hookimpl

@hookimpl
def primus_setup(primus):
    pass
"""
MODULES = ("my_plugin", "rooms_plugin", "emit_plugin")


async def nothing(*args: Any) -> None:
    """Stands for what an application has of its own."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with the modules that the pages have or mention, installed."""
    metadata = tmp_path / "documented-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: documented\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "static").mkdir()
    for module in MODULES:
        (tmp_path / f"{module}.py").write_text(PLUGIN)
    for name in ("greeter.py", "lines.py", "lines.js", "page.html"):
        (tmp_path / name).write_text(named(name))
    (tmp_path / "primus_typing").mkdir()
    for name in ("primus_typing/__init__.py", "primus_typing/client.js"):
        (tmp_path / name).write_text(named(name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name in {*MODULES, "greeter", "lines", "primus_typing"}:
            del sys.modules[name]


def surroundings(primus: Primus) -> dict[str, Any]:
    """The names that the snippets of a page take for granted."""
    from primus_testing import join

    spark, _ = join(primus, "/primus?room=7")
    public = {name: getattr(primus_package, name) for name in primus_package.__all__}
    own = dict.fromkeys(("find_user", "may_see", "under_maintenance", "main"), nothing)
    return public | own | {
        "__name__": "snippet",
        "web": web,
        "primus": primus,
        "spark": spark,
        "socket": Socket("http://localhost:8080", manual=True),
    }


@pytest.mark.parametrize("page", [page.name for page in PAGES])
async def test_the_snippets_of_a_page_run(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "run_app", lambda *args, **kwargs: None)
    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(run=lambda coroutine: coroutine.close()))
    made = Primus(web.Application())
    namespace = surroundings(made)

    for snippet in snippets("python"):
        if snippet.page == page and not snippet.caption:
            namespace["app"] = web.Application()
            exec(compile(snippet.text, str(snippet), "exec"), namespace)  # noqa: S102

    await made.destroy()


# -- whole programs


class Served:
    """An aiohttp application on a free port."""

    def __init__(self, app: web.Application) -> None:
        self.runner = web.AppRunner(app)

    async def __aenter__(self) -> str:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def __aexit__(self, *error: object) -> None:
        await self.runner.cleanup()


def program(caption: str, name: str = "program") -> dict[str, Any]:
    namespace = {"__name__": name, "__file__": caption}
    exec(compile(named(caption), caption, "exec"), namespace)  # noqa: S102
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


async def test_the_first_page_is_served_with_its_client(folder: Path) -> None:
    import aiohttp

    server = program("server.py")

    async with Served(server["app"]) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            assert '<script src="/primus/primus.js">' in await page.text()
        async with session.get(f"{url}/primus/primus.js") as library:
            assert await library.text() == server["primus"].library()


async def test_the_server_without_an_application_echoes(capsys: pytest.CaptureFixture[str]) -> None:
    from primus import connect
    from primus_testing import eventually

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
    import os
    import signal

    from primus_testing import eventually

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
    from primus_testing import join

    primus = Primus(plugin={"greeter": greeter})
    _, wire = join(primus, "/primus?name=Ada")

    assert wire.sent == ['{"hello":"Ada"}']
    await primus.destroy()


async def test_the_whole_plugin_passes_the_contract(folder: Path) -> None:
    (folder / "test_typing.py").write_text(named("tests/test_typing.py"))

    assert " passed" in await pytest_output("test_typing.py")


async def test_the_whole_plugin_tells_the_others_who_is_typing(folder: Path) -> None:
    from primus_testing import MemoryTransformer, Recorder

    primus = Primus(transformer=MemoryTransformer, plugin="typing", typing_limit=10)
    ada, bob = primus.Socket("http://memory"), primus.Socket("http://memory")
    events = Recorder(bob, "open", "typing", "data")
    await events.next("open")

    ada.typing()

    assert await events.one("typing") == await ada.id()
    assert events.seen("data") == []
    assert "primus.typing = " in primus.library()
    await primus.destroy()


async def test_the_ten_line_parser_carries_messages_and_control_text(folder: Path) -> None:
    from lines import Lines

    from primus_testing import MemoryTransformer

    primus = Primus(transformer=MemoryTransformer, parser=Lines())
    primus.on("connection", lambda spark: spark.on("data", spark.write))
    socket = primus.Socket("http://memory")

    socket.write(["one", "two"])

    assert await anext(aiter(socket)) == ["one", "two"]
    assert primus.spark(await socket.id()) is not None
    await primus.destroy()


@pytest.mark.parametrize("caption", ["test_chat.py", "test_network.py"])
async def test_the_documented_tests_pass(folder: Path, caption: str) -> None:
    (folder / caption).write_text(named(caption))

    assert " passed" in await pytest_output(caption)
