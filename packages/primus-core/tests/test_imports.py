"""What is imported when: each in a Python of its own."""

import subprocess
import sys

import pytest


def imported_by(code: str) -> set[str]:
    """The modules that are loaded after `code` has run in a new Python."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def within(modules: set[str], package: str) -> set[str]:
    """Those of `modules` that are `package` or in it."""
    return {name for name in modules if name == package or name.startswith(package + ".")}


@pytest.fixture(scope="module")
def core() -> set[str]:
    return imported_by("import primus")


@pytest.fixture(scope="module")
def started() -> set[str]:
    """By the command line as well, which starts one with ``primus serve``."""
    return imported_by("import primus.cli" + A_SERVER_OF_ITS_OWN.format(transformer="websockets"))


@pytest.mark.parametrize(
    "package",
    [
        "aiohttp",
        "primus.client",
        "primus.cli",
        "primus.server.hosts.aiohttp",
        "primus_transformer_ws",
        "primus_testing",
        "websockets",
        "uvloop",
        "pytest",
    ],
)
def test_importing_primus_does_not_import(core: set[str], package: str) -> None:
    assert within(core, package) == set()


def test_a_server_imports_no_client_half() -> None:
    modules = imported_by(
        "from aiohttp import web\n"
        "from primus import Primus\n"
        "from primus_testing.network import MemoryTransformer\n"
        "Primus(web.Application(), transformer=MemoryTransformer)\n"
    )
    assert within(modules, "aiohttp.web")
    assert within(modules, "primus.client") == set()


def test_an_asgi_server_does_without_aiohttp() -> None:
    modules = imported_by(
        "from primus import Primus\n"
        "async def app(scope, receive, send): pass\n"
        "Primus(app, transformer='websockets').asgi\n"
    )
    assert within(modules, "primus.server.hosts.asgi")
    assert within(modules, "aiohttp") == set()


WITHOUT_AIOHTTP = "import asyncio, sys\nsys.modules['aiohttp'] = None\n"

A_SERVER_OF_ITS_OWN = """
import asyncio
from primus import Primus

async def main():
    primus = await Primus.create_server(
        host='127.0.0.1', transformer={transformer!r}, iknowhttpsisbetter=True
    )
    reader, writer = await asyncio.open_connection('127.0.0.1', primus.port)
    writer.write(b'GET /primus/spec HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')
    answer = await reader.read()
    assert answer.startswith(b'HTTP/1.1 200 OK'), answer
    assert b'"transformer":"{transformer}"' in answer, answer
    writer.close()
    await primus.destroy()

asyncio.run(main())
"""


def test_a_server_of_its_own_does_without_aiohttp(started: set[str]) -> None:
    assert within(started, "primus.server.entrance")
    assert within(started, "aiohttp") == set()


NEEDLESS = (
    *("aiohttp", "csv", "difflib", "email", "importlib.metadata", "importlib.resources"),
    *("logging.config", "secrets", "tempfile", "urllib.request", "websockets", "zipfile"),
    *("primus.browser", "primus.client", "primus.option_types", "primus.ordering"),
    *("primus.parsers.standard", "primus.parsers.stringify", "primus.recovery"),
    *("primus.server.hosts.asgi", "primus.server.install", "primus.server.tls", "primus.stats"),
)
"""What a server of its own does not need to start, and what takes long to import."""


@pytest.mark.parametrize("package", NEEDLESS)
def test_a_server_of_its_own_starts_without(package: str, started: set[str]) -> None:
    assert within(started, package) == set()


def test_a_server_of_its_own_is_aiohttp_s_where_httptools_is_not_installed() -> None:
    without = "import sys\nsys.modules['httptools'] = None\n"
    modules = imported_by(without + A_SERVER_OF_ITS_OWN.format(transformer="websockets"))
    assert within(modules, "primus.server.application")


ECHO_OVER_ASGI = """
from primus import Primus

primus = Primus(transformer='websockets')
primus.on('connection', lambda spark: spark.on('data', spark.write))
scope = {'type': 'websocket', 'path': '/primus', 'query_string': b'', 'headers': []}

async def main():
    events, sent = asyncio.Queue(), asyncio.Queue()
    events.put_nowait({'type': 'websocket.connect'})
    events.put_nowait({'type': 'websocket.receive', 'text': '"hello"'})
    call = asyncio.ensure_future(primus.asgi(scope, events.get, sent.put))
    kinds = [(await sent.get())['type'], (await sent.get())['text']]
    events.put_nowait({'type': 'websocket.disconnect', 'code': 1000})
    await call
    assert kinds == ['websocket.accept', '"hello"'], kinds

asyncio.run(main())
"""


def test_a_websocket_over_asgi_works_where_aiohttp_is_not_installed() -> None:
    modules = imported_by(WITHOUT_AIOHTTP + ECHO_OVER_ASGI)
    assert within(modules, "primus.server.hosts.asgi_websocket")


def test_json_works_where_neither_orjson_nor_msgspec_is_installed() -> None:
    modules = imported_by(
        "import sys\n"
        "sys.modules['orjson'] = sys.modules['msgspec'] = sys.modules['msgspec.json'] = None\n"
        "from primus import JSON\n"
        "assert JSON.codec.name == 'json'\n"
        "assert JSON().decode(JSON().encode([1, 2.5, '\u20ac'])) == [1, 2.5, '\u20ac']\n"
    )
    assert within(modules, "primus.server")


def test_what_needs_aiohttp_says_what_installs_it() -> None:
    imported_by(
        WITHOUT_AIOHTTP + "from primus import MissingLibraryError, Primus, Transformer, connect\n"
        "class OnItsServer(Transformer):\n"
        "    async def request(self, request): ...\n"
        "    async def upgrade(self, request): return request.websocket()\n"
        "async def main():\n"
        "    for make in (\n"
        "        lambda: Primus.create_server(transformer=OnItsServer),\n"
        "        lambda: connect('http://localhost:9'),\n"
        "    ):\n"
        "        try:\n"
        "            await make()\n"
        "        except MissingLibraryError as error:\n"
        "            assert str(error).endswith(\n"
        "                'needs aiohttp, which is not installed: pip install aiohttp'), error\n"
        "        else:\n"
        "            raise AssertionError\n"
        "asyncio.run(main())\n"
    )


@pytest.mark.parametrize(
    "name", ["primus.protocol", "primus.pipeline", "primus.heartbeat", "primus.recovery"]
)
def test_a_pure_module_needs_no_event_loop(name: str) -> None:
    modules = imported_by(
        "import importlib.util, sys, types\n"
        "package = types.ModuleType('primus')\n"
        f"package.__path__ = [*importlib.util.find_spec('primus').submodule_search_locations]\n"
        "for name in [name for name in sys.modules if name.startswith(('primus', 'asyncio'))]:\n"
        "    del sys.modules[name]\n"
        "sys.modules['primus'] = package\n"
        f"import {name}\n"
    )
    assert name in modules
    assert within(modules, "asyncio") == set()


def test_every_public_name_can_be_imported() -> None:
    imported_by("import primus\nfor name in primus.__all__: getattr(primus, name)")
