"""What a URL says reaches the server alike, over every transformer, from every client of ours."""

import asyncio
import json
import re
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM
from harness.chromium import Chromium
from harness.node import installed, node
from harness.stage import Stage
from harness.tools import PEERS
from primus import Primus, Socket
from primus.http import parse_query
from primus_testing import DEADLINE, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERIES = [
    "",
    "?",
    "?next=/a?b=c&token=s3cret",
    "?&&a=1&&b=2&",
    "?=x",
    "?a",
    "?a=",
    "?a=b=c==",
    "?a=1&a=2&b=3&a=4",
    "?a=%zz&b=%&c=%4",
    "?a=b+c&d=b%20c&e=%2B&f=g h",
    "?n=Jürgen&ł=€😀",
    "?n=%C3%A4&m=%FF",
    "?a=1#part?b=2&c=3",
    "?a=1;b=2",
    "?a[]=1&b[c]=2&{d}=|^`~",
    "?a=<'\"'>\\&b=//c",
    "?a=$&b=$1$$$'$`",
    "?__proto__=1&constructor=2",
    "?_primuscb=mine&a=1",
    "?long=" + "x" * 4000,
]
COLLIDING = "?a=1&EIO=9&transport=mine&sid=mine&b64=2&j=3&%73id=4"

SOCKJS = ("websocket", "xhr-streaming", "xhr-polling")
ENGINEIO = ("polling", "websocket")
SOCKETIO = ("websocket", "xhr-polling")
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("websockets", {}),
    ("lws", {}),
    ("faye", {}),
    *(("engine.io", {"transports": [name]}) for name in ENGINEIO),
    *(("sockjs", {"transports": [name]}) for name in SOCKJS),
    ("browserchannel", {}),
    *(("socket.io", {"transports": [name]}) for name in SOCKETIO),
]
IN_BROWSERS = [way for way in WAYS if way[0] not in ("lws", "faye")]
WIRES = {
    "engine.io": {"EIO", "transport", "t", "sid", "b64", "j"},
    "sockjs": {"t"},
    "browserchannel": {"VER", "RID", "zx", "t"},
    "socket.io": {"t"},
}
"""The fields of the protocols themselves; those of the user are not sent over Engine.IO."""

AFFINITY = re.compile("[0-9a-z]{8,14}")
"""What clients of BrowserChannel send as ``a``, for load balancers, when the user sends none."""


def name(way: tuple[str, Mapping[str, Any]]) -> str:
    return "-".join([way[0], *way[1].get("transports", ())])


@asynccontextmanager
async def listening(transformer: str) -> AsyncIterator[tuple[Primus, list[dict[str, Any]]]]:
    """A server, and the queries of its sparks without what the wire adds."""
    seen: list[dict[str, Any]] = []

    def note(spark: Any) -> None:
        own = {"_primuscb", *WIRES.get(transformer, ())}
        told = {key: spark.query[key] for key in spark.query if key not in own}
        if transformer == "browserchannel" and AFFINITY.fullmatch(str(told.get("a"))):
            del told["a"]
        seen.append(told)

    primus = await Primus.create_server(
        note, host="127.0.0.1", transformer=transformer, iknowhttpsisbetter=True
    )
    try:
        yield primus, seen
    finally:
        await primus.destroy()


def expected(query: str) -> dict[str, Any]:
    """What ``?a=1#part`` means."""
    told = parse_query(query.partition("#")[0].removeprefix("?"))
    told.pop("_primuscb", None)
    return {key: value for key, value in told.items() if key or value}


def from_javascript(transformer: str, query: str) -> dict[str, Any]:
    """The same from a client in JavaScript: BCSocket sends one field of a name, here the last."""
    told = expected(query)
    if transformer != "browserchannel":
        return told
    told.pop("__proto__", None)
    return {key: value[-1] if isinstance(value, list) else value for key, value in told.items()}


def both(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key or value} for each in seen]


@pytest.mark.parametrize("way", WAYS, ids=name)
async def test_from_python(way: tuple[str, dict[str, Any]]) -> None:
    transformer, transport = way
    async with listening(transformer) as (primus, seen):
        for query in QUERIES:
            kind = {"transformer": transformer, "parser": "json", "transport": transport}
            async with Socket(primus.url + query, **kind):
                pass
        assert both(seen) == [expected(query) for query in QUERIES]


@pytest.mark.parametrize("way", IN_BROWSERS, ids=name)
async def test_from_primus_js_in_node(way: tuple[str, dict[str, Any]]) -> None:
    transformer, transport = way
    async with listening(transformer) as (primus, seen):
        with saved(primus, transformer) as library:
            await in_node(library, primus.url, {"transport": transport}, QUERIES)
        await eventually(lambda: len(seen) == len(QUERIES))
        assert both(seen) == [from_javascript(transformer, query) for query in QUERIES]


@contextmanager
def saved(primus: Primus, transformer: str) -> Iterator[Path]:
    """Our client in a file of its own, beside the Node packages that it needs."""
    library = installed(5 if transformer == "socket.io" else 8) / f"queries-{uuid4()}.js"
    library.write_text(primus.library())
    try:
        yield library
    finally:
        library.unlink()


async def in_node(library: Path, url: str, options: Any, queries: list[str]) -> None:
    arguments = [str(library), url, json.dumps(options), json.dumps(queries)]
    process = await asyncio.create_subprocess_exec(
        *node(),
        str(PEERS / "queries.js"),
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(6 * DEADLINE):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


VISIT = """
  (async () => {
    for (const query of $queries$) {
      const socket = new Primus($url$ + query, $options$);
      await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
      socket.end();
    }
  })()
"""


@pytest_asyncio.fixture(loop_scope="session")
async def browser(stage: Stage) -> Chromium:
    client = await stage.cast.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)
    return client.peer


IN_PAGES = [*IN_BROWSERS, ("sockjs", {"transports": ["eventsource"]})]


@pytest.mark.parametrize("way", IN_PAGES, ids=name)
async def test_from_a_page(browser: Chromium, way: tuple[str, dict[str, Any]]) -> None:
    transformer, transport = way
    async with listening(transformer) as (primus, seen):
        tab = await browser.tab(f"{primus.url}/primus/spec")
        await tab.run(primus.library() + ";null")
        script = VISIT.replace("$queries$", json.dumps(QUERIES))
        script = script.replace("$url$", json.dumps(primus.url))
        await tab.run(script.replace("$options$", json.dumps({"transport": transport})))
        await eventually(lambda: len(seen) == len(QUERIES))
        assert both(seen) == [from_javascript(transformer, query) for query in QUERIES]
        assert not tab.errors
        await tab.close()


CREDENTIALS = "J\u00fcrgen:%C5%82%zz%"
TOLD = "Basic " + b64encode("J\u00fcrgen:\u0142%zz%".encode()).decode()
IN_NODE = [
    way for way in IN_BROWSERS if name(way) not in ("sockjs-xhr-streaming", "sockjs-xhr-polling")
]


@pytest.mark.parametrize("way", IN_NODE, ids=name)
async def test_credentials_of_the_url_from_primus_js_in_node(
    way: tuple[str, dict[str, Any]],
) -> None:
    transformer, transport = way
    async with listening(transformer) as (primus, _):
        told: list[str | None] = []
        primus.on("connection", lambda spark: told.append(spark.headers.get("Authorization")))
        url = primus.url.replace("://", f"://{CREDENTIALS}@")
        with saved(primus, transformer) as library:
            await in_node(library, url, {"transport": transport}, [""])
        assert told == [TOLD]


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
async def test_fields_of_the_protocol_are_its_own(transports: list[str]) -> None:
    options = {"transport": {"transports": transports}}
    async with listening("engine.io") as (primus, seen):
        kind = {"transformer": "engine.io", "parser": "json", **options}
        async with Socket(primus.url + COLLIDING, **kind):
            pass
        with saved(primus, "engine.io") as library:
            await in_node(library, primus.url, options, [COLLIDING])
        await eventually(lambda: len(seen) == 2)
        assert seen == [{"a": "1"}, {"a": "1"}]
