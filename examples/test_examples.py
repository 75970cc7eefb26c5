"""Runs each example as its reader would, as a process, and talks to it for real."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from primus import connect

HERE = Path(__file__).parent
DEADLINE = 60.0
UVICORN = (-signal.SIGTERM,)
"""How uvicorn ends: in order, and then by the signal that it was told to end with."""

URL = re.compile(r"http://[\w.]+:\d+")


class Example:
    """A running example: its output so far, and where it listens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output: list[str] = []
        self._more = asyncio.Condition()
        self._complete = False
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._more:
                self.output.append(line.decode())
                self._more.notify_all()
        async with self._more:
            self._complete = True
            self._more.notify_all()

    async def says(self, pattern: str) -> re.Match[str]:
        """Wait until the output has something."""

        def found() -> re.Match[str] | None:
            return re.search(pattern, "".join(self.output))

        async with asyncio.timeout(DEADLINE), self._more:
            await self._more.wait_for(lambda: found() or self._complete)
        match = found()
        assert match is not None, f"no {pattern!r} in {''.join(self.output)}"
        return match

    async def ends(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        async with asyncio.timeout(DEADLINE):
            await self._reader
            return await self.process.wait()

    async def stop(self) -> int:
        """Stop it, unless it has ended by itself; its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.ends()


@asynccontextmanager
async def run(
    name: str,
    *arguments: str,
    script: str = "main.py",
    ended: Sequence[int] = (0,),
    tracebacks: int = 0,
    port: str = "0",
) -> AsyncIterator[Example]:
    """Run an example until the end of the block; it then stops, with no unexpected traceback."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / name / script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PORT": port, "PYTHONUNBUFFERED": "1"},
    )
    example = Example(process)
    try:
        yield example
    finally:
        code = await example.stop()
    assert code in ended, "".join(example.output)
    assert "".join(example.output).count("Traceback") == tracebacks


@asynccontextmanager
async def served(
    name: str,
    *arguments: str,
    ended: Sequence[int] = (0,),
    tracebacks: int = 0,
    port: str = "0",
) -> AsyncIterator[tuple[Example, str]]:
    """As `run`, for a server; gives its URL too."""
    async with run(name, *arguments, ended=ended, tracebacks=tracebacks, port=port) as example:
        yield example, (await example.says(URL.pattern))[0]


@asynccontextmanager
async def demo(*arguments: str) -> AsyncIterator[str]:
    """The demo, on a free port; gives its URL."""
    async with served("demo", "--host", "127.0.0.1", "--port", "0", *arguments) as (_, url):
        yield url


@asynccontextmanager
async def websocket(
    url: str, path: str = "/primus", **options: Any
) -> AsyncIterator[ClientConnection]:
    """A WebSocket to an example; what goes over it is Primus' wire text."""
    async with open_websocket(url.replace("http", "ws", 1) + path, proxy=None, **options) as socket:
        yield socket


async def receive(socket: ClientConnection) -> Any:
    """The next message."""
    async with asyncio.timeout(DEADLINE):
        return json.loads(await socket.recv())


async def receive_until(socket: ClientConnection, wanted: Callable[[Any], bool]) -> Any:
    """The next message that is wanted; others are passed over."""
    while not wanted(message := await receive(socket)):
        pass
    return message


def note_of(kind: str) -> Callable[[Any], bool]:
    return lambda message: message["type"] == "note" and message["note"]["kind"] == kind


def of_type(kind: str) -> Callable[[Any], bool]:
    return lambda message: message["type"] == kind


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def test_every_example_has_a_readme_and_a_place_in_the_list() -> None:
    folders = {file.parent.name for file in HERE.glob("*/main.py")}
    listed = set(re.findall(r"^\| \[(\w+)\]", (HERE / "README.md").read_text(), re.MULTILINE))

    assert listed == folders
    assert all((HERE / name / "README.md").is_file() for name in folders)


async def test_echo_sends_every_message_back_and_serves_its_page(
    http: aiohttp.ClientSession,
) -> None:
    async with served("echo") as (example, url):
        async with http.get(url) as page, http.get(f"{url}/primus/primus.js") as library:
            assert "new Primus()" in await page.text()
            assert library.status == 200
        async with websocket(url) as socket:
            await socket.send('{"hello":"world"}')
            assert await receive(socket) == {"echo": {"hello": "world"}}
        await example.says("gone: ")


async def test_authorization_accepts_known_tokens(http: aiohttp.ClientSession) -> None:
    async with served("authorization") as (_, url):
        async with websocket(url, "/primus?token=ada-secret") as socket:
            assert await receive(socket) == "Welcome, Ada"
        bearer = {"Authorization": "Bearer ada-secret"}
        async with websocket(url, additional_headers=bearer) as socket:
            assert await receive(socket) == "Welcome, Ada"

        with pytest.raises(InvalidStatus) as blocked:
            async with websocket(url, "/primus?token=grace-secret"):
                pass
        assert blocked.value.response.status_code == 403
        assert json.loads(blocked.value.response.body) == {
            "error": {"reason": "Grace may not come in"}
        }
        async with http.get(f"{url}/primus") as refused:
            assert refused.status == 401
            assert refused.headers["WWW-Authenticate"] == 'Bearer realm="example"'
            assert await refused.json() == {"error": "No valid token"}
        async with http.get(f"{url}/primus/primus.js") as library:
            assert library.status == 200


async def test_guards_know_the_user_the_tab_and_what_is_valid(
    http: aiohttp.ClientSession,
) -> None:
    async with served("guards", ended=UVICORN) as (example, url):
        async with websocket(url) as stranger:
            assert (await receive(stranger))["emit"][0] == "mirage"
            assert await receive(stranger) == {"refused": "sign in first"}
        async with http.get(f"{url}/sign-in?user=Ada", allow_redirects=False) as signed_in:
            cookie = {"Cookie": f"session={signed_in.cookies['session'].value}"}
        async with websocket(url, additional_headers=cookie) as first:
            _, id = (await receive(first))["emit"]
            assert await receive(first) == {"user": "Ada", "visits": 1}
            await first.send('{"emit":["note",{"kind":"rumour","text":"hi"}]}')
            await first.send('{"emit":["note",{"kind":"answer","text":"hi"}]}')
            assert await receive(first) == {"from": "Ada", "kind": "answer", "text": "hi"}
            await example.says("refused: note: kind: ")
        async with websocket(url, f"/primus?_mirage={id}", additional_headers=cookie) as again:
            assert await receive(again) == {"user": "Ada", "visits": 2}
        async with websocket(url, "/primus?_mirage=forged", additional_headers=cookie) as forged:
            assert await receive(forged) == "primus::server::close"


async def test_a_ticker_has_no_holes() -> None:
    numbers: list[int] = []
    recovered: list[Any] = []
    reconnect = {"min": 0.5, "max": 0.5}
    async with (
        served("ticker") as (_, url),
        connect(url, plugin="recovery", reconnect=reconnect) as socket,
    ):
        socket.on("recovered", recovered.append)
        async with asyncio.timeout(DEADLINE):
            async for number in socket:
                numbers.append(number)
                if len(numbers) == 3:
                    socket.write("cut")
                if recovered and len(numbers) > 3 + recovered[0]["missed"] + 1:
                    break

    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert recovered[0]["rooms"] is True
    assert recovered[0]["missed"] > 0


async def test_a_lobby_lists_each_user_once() -> None:
    states: list[Any] = []
    async with served("lobby") as (example, url):
        async with connect(f"{url}/?name=ann") as first, connect(f"{url}/?name=ann") as second:
            async with connect(f"{url}/?name=bob", plugin="presence") as socket:
                heard = asyncio.Queue[Any]()
                for kind in ("state", "update"):
                    socket.on(f"presence {kind}", lambda *args: heard.put_nowait(args))
                async with asyncio.timeout(DEADLINE):
                    room, members = await heard.get()
                    first.write({"mood": "glad"})
                    assert await heard.get() == ("lobby", "ann", {"mood": "glad"})
                states.append((room, sorted(members), socket.presence.count("lobby")))
            await example.says("bob has left lobby")
            assert second.ready_state == second.OPEN
        await example.says("ann has left lobby")
        assert "".join(example.output).count("ann has left") == 1

    assert states == [("lobby", ["ann", "bob"], 2)]


async def test_events_are_printed_as_they_happen() -> None:
    async with served("events", tracebacks=1) as (example, url):
        await example.says("primus   initialised +websockets json")
        async with websocket(url, "/primus?from=test") as socket:
            assert await receive(socket) == "Hello, new spark"
            await example.says(r"primus   connection .*'from': 'test'")
            await socket.send('"fail"')
            await example.says("spark    error .*ValueError")
            await socket.send('"primus::ping::1"')
            assert await receive(socket) == "primus::pong::1"
            await example.says("spark    heartbeat")
            await socket.send('"end"')
            assert await receive(socket) == "Ended for good"
            assert await receive(socket) == "primus::server::close"
        await example.says("primus   disconnection")
    assert any("primus   close" in line for line in example.output)


async def test_votes_are_checked_acknowledged_and_sent_to_every_client(
    http: aiohttp.ClientSession,
) -> None:
    async with served("votes") as (_, url):
        async with http.get(url) as page, http.get(f"{url}/primus/primus.js") as library:
            assert "primus.ask('vote'" in await page.text()
            assert "ask(" in await library.text()
        async with http.get(f"{url}/primus/asyncapi.json") as document:
            assert set((await document.json())["operations"]) == {"receive vote", "send tally"}
        async with http.get(f"{url}/primus/primus.d.ts") as declarations:
            assert 'ask(event: "vote"' in await declarations.text()
        async with websocket(url) as voter, websocket(url) as other:
            for socket in (voter, other):
                assert await receive(socket) == event("tally", {"tea": 0, "coffee": 0})
            await voter.send('{"type":0,"data":["vote",{"choice":"tea"}],"id":1}')
            for socket in (voter, other):
                assert await receive(socket) == event("tally", {"tea": 1, "coffee": 0})
            assert await receive(voter) == acknowledged(1, 1)
            await voter.send('{"type":0,"data":["vote",{"no":"choice"}],"id":2,"fails":true}')
            refused = {**acknowledged(2), "error": "choice: is missing"}
            assert await receive(voter) == refused


async def test_pixels_are_painted_by_calls_and_shown_to_every_client(
    http: aiohttp.ClientSession,
) -> None:
    async with served("pixels") as (_, url):
        async with http.get(url) as page, http.get(f"{url}/primus/primus.js") as library:
            assert "primus.resource('board'" in await page.text()
            assert re.search(r"\.resource ?=", await library.text())
        async with websocket(url) as painter, websocket(url) as other:
            ready = {"type": 0, "data": ["board::ready", ["all", "paint"]]}
            for socket in (painter, other):
                assert await receive(socket) == ready
            pixel = {"x": 1, "y": 2, "colour": "gold"}
            paint = {"type": 0, "data": ["board::paint", pixel], "id": 1}
            await painter.send(json.dumps(paint))
            for socket in (painter, other):
                assert await receive(socket) == {"type": 0, "data": ["board::painted", pixel]}
            assert await receive(painter) == {"type": 1, "id": 1, "data": [1]}
            refused = {**pixel, "colour": "pink"}
            paint = {"type": 0, "data": ["board::paint", refused], "id": 2, "fails": True}
            await painter.send(json.dumps(paint))
            answer = await receive(painter)
            assert answer["id"] == 2
            assert answer["error"].startswith("pixel.colour: ")
        async with run("pixels", url, script="robot.py") as robot:
            await robot.says(r"\d+ pixels have been painted, \d+ are not white")
            await robot.says(r"one was refused: pixel\.x")
            assert await robot.ends() == 0


async def test_distances_of_all_clients_are_told_to_each(http: aiohttp.ClientSession) -> None:
    reports: list[Any] = []
    options: dict[str, Any] = {
        "plugin": "spark-latency, analytics",
        "use_clock_offset": True,
        "analytics": {"sink": reports.append},
    }
    async with served("distances") as (_, url), connect(url, **options) as socket:
        async with http.get(url) as answer:
            assert "analytics: { sink }" in await answer.text()
        async with asyncio.timeout(DEADLINE):
            socket.write("look")
            async for (mine,) in socket:
                if mine["latency"]:
                    break
                socket.write("look")

    assert mine.keys() == {"from", "latency", "offset"}
    assert [report["eventAction"] for report in reports[:2]] == ["open", "write"]


async def test_middleware_adds_headers_answers_and_refuses(http: aiohttp.ClientSession) -> None:
    async with served("middleware") as (_, url):
        async with http.get(f"{url}/primus/health") as health:
            assert await health.json() == {"connections": 0}
            assert re.fullmatch("[0-9a-f]{16}", health.headers["X-Request-Id"])
            assert "X-XSS-Protection" not in health.headers
        async with websocket(url) as socket:
            layers = await receive(socket)
            assert layers[0] == "request-id"
            assert layers[-2:] == ["health", "gate"]
            assert "x-xss" not in layers
            with pytest.raises(InvalidStatus) as refused:
                async with websocket(url):
                    pass
        assert refused.value.response.status_code == 429


async def test_the_aiohttp_application_keeps_its_routes_and_websockets(
    http: aiohttp.ClientSession,
) -> None:
    async with served("aiohttp") as (_, url):
        async with websocket(url, "/live") as reader, http.ws_connect(f"{url}/shout") as shout:
            async with http.post(f"{url}/news", data="It rains") as published:
                assert published.status == 201
                assert await published.json() == {"readers": 1}
            assert await receive(reader) == {"news": "It rains"}
            await shout.send_str("hello")
            assert await shout.receive_str() == "HELLO"
        async with http.get(f"{url}/news") as news, http.get(f"{url}/primus") as elsewhere:
            assert await news.json() == ["It rains"]
            assert elsewhere.status == 404
        async with websocket(url, "/live") as latecomer:
            assert await receive(latecomer) == {"news": "It rains"}


def event(name: str, *args: Any, id: int | None = None) -> Any:
    """An event of the plugin ``emitter``."""
    packet = {"type": 0, "data": [name, *args]}
    return packet if id is None else {**packet, "id": id}


def acknowledged(id: int, *args: Any) -> Any:
    """An acknowledgement of the plugin ``emitter``."""
    return {"id": id, "type": 1, "data": [*args]}


async def test_rooms_reach_the_clients_that_look_at_a_topic() -> None:
    async with served("rooms") as (_, url), websocket(url) as one, websocket(url) as two:
        for socket in (one, two):
            assert await receive(socket) == event("topics", ["cats", "trains", "weather"])
        await one.send(json.dumps(event("look", "cats", id=1)))
        assert await receive(one) == event("looking", "cats", 1)
        assert await receive(one) == acknowledged(1, 1)
        await two.send(json.dumps(event("look", "secrets")))
        await two.send(json.dumps(event("look", "cats")))
        for socket in (one, two):
            assert await receive(socket) == event("looking", "cats", 2)
        await two.send(json.dumps(event("say", "meow", id=2)))
        assert await receive(one) == event("said", "cats", "meow")
        assert await receive(two) == acknowledged(2, 1)
        await two.send("null")
        await two.send(json.dumps(event("look", "trains")))
        assert await receive(one) == event("looking", "cats", 1)
        assert await receive(two) == event("looking", "trains", 1)
        await one.close()
        await two.send(json.dumps(event("say", "alone", id=3)))
        assert await receive(two) == acknowledged(3, 0)


@pytest.fixture
async def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A Redis, which the examples find in their environment."""
    program, path = shutil.which("redis-server"), tmp_path / "s"
    assert program is not None, "install it: apt-get install redis-server"
    monkeypatch.setenv("BUS", f"unix://{path}")
    process = await asyncio.create_subprocess_exec(
        *(program, "--port", "0", "--unixsocket", str(path), "--dir", str(tmp_path)),
        *("--save", "", "--appendonly", "no"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    yield
    process.terminate()
    await process.wait()


async def published(*arguments: str) -> None:
    """Run the publisher of the example."""
    async with run("cluster", *arguments, script="publish.py") as publisher:
        await publisher.says("published")
        await publisher.ends()


def having(**expected: object) -> Callable[[Any], bool]:
    """Whether a message has what is expected."""
    return lambda message: expected.items() <= message.items()


async def test_servers_of_a_cluster_are_one(bus: None) -> None:
    async with (
        served("cluster", "blue", "0") as (_, blue),
        served("cluster", "green", "0") as (_, green),
        websocket(blue) as one,
        websocket(green) as two,
    ):
        id = json.loads(await one.recv())["id"]
        assert id.startswith("blue-")
        for socket in (one, two):
            await receive_until(socket, having(servers=["blue", "green"]))
        await one.send(json.dumps({"text": "hello"}))
        await one.send(json.dumps({"text": "lasagne", "to": "lunch"}))
        for socket in (one, two):
            await receive_until(socket, having(text="hello", by=id))
            await receive_until(socket, having(text="lasagne", room="lunch"))
        await two.send(json.dumps({"text": "psst", "to": id}))
        await receive_until(one, having(text="psst", alone=True))
        await receive_until(two, having(told=id, known=True))
        await published("Lunch is ready", "lunch")
        await published("Good night")
        for socket in (one, two):
            await receive_until(socket, having(text="Lunch is ready", room="lunch"))
            await receive_until(socket, having(text="Good night", by="publish.py"))


def within(board: str, payload: object) -> list[object]:
    """A packet of a subscription whose id is the name of its board."""
    return [0, board, board, payload]


async def test_boards_are_channels_over_one_connection() -> None:
    async with served("boards") as (_, url), websocket(url) as one, websocket(url) as two:
        for socket in (one, two):
            assert await receive(socket) == event("boards", ["ideas", "garden", "secret"])
            await socket.send('[1,"ideas","ideas"]')
            assert await receive(socket) == within("ideas", event("notes", {}))
        for socket, counts in ((one, (1, 2)), (two, (2,))):
            for count in counts:
                assert await receive(socket) == within("ideas", event("readers", count))
        await one.send(json.dumps(within("ideas", event("put", "n", "a note", 10, 20, id=1))))
        assert await receive(one) == within("ideas", acknowledged(1, True))
        assert await receive(two) == within("ideas", event("put", "n", "a note", 10, 20))
        for wrong in ([None] * 4, ["n", "text", 101, 0], ["n", "text", 0, "1"], ["n", 5, 0, 0]):
            await one.send(json.dumps(within("ideas", event("put", *wrong, id=2))))
            assert (await receive(one))[3]["id"] == 2
        await two.send('[1,"garden","garden"]')
        assert await receive(two) == within("garden", event("notes", {}))
        assert await receive(two) == within("garden", event("readers", 1))
        await two.send(json.dumps(within("ideas", event("take", "n"))))
        for socket in (one, two):
            assert await receive(socket) == within("ideas", event("take", "n"))
        await two.send('[1,"mine","mine"]')
        assert await receive(two) == [2, "mine", "mine", {"error": "too many channels"}]


async def test_a_board_asks_for_its_password_within_its_channel() -> None:
    async with served("boards") as (_, url), websocket(url) as page:
        await receive(page)
        for password, answer in (
            ("open", [2, "secret", "secret", {"error": "that is not the password"}]),
            ("sesame", within("secret", event("notes", {}))),
        ):
            await page.send('[1,"secret","secret"]')
            asked = await receive(page)
            assert asked == within("secret", {**event("password?", id=1), "fails": True})
            await page.send(json.dumps(within("secret", acknowledged(1, password))))
            assert await receive(page) == answer


async def test_the_fastapi_application_takes_tokens_and_tells_the_time(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICK", "0.1")
    async with served("fastapi", ended=UVICORN) as (example, url):
        async with http.get(url) as page, http.get(f"{url}/live/primus.js") as library:
            assert "/live/primus.js" in await page.text()
            assert '"/live"' in await library.text()
        async with http.post(f"{url}/token", params={"name": "Ada"}) as granted:
            live = f"/live?token={(await granted.json())['token']}"
        async with websocket(url, live) as reader, http.ws_connect(f"{url}/shout") as shout:
            assert await receive(reader) == {"hello": "Ada"}
            async with http.post(f"{url}/news", params={"text": "It rains"}) as published:
                assert published.status == 201
                assert await published.json() == {"readers": 1}
            assert await receive_until(reader, lambda told: "news" in told) == {"news": "It rains"}
            told = await receive_until(reader, lambda told: "time" in told)
            assert told["for"] == "Ada"
            await shout.send_str("hello")
            assert await shout.receive_str() == "HELLO"
        async with http.get(f"{url}/news") as news, http.get(f"{url}/primus") as elsewhere:
            assert await news.json() == ["It rains"]
            assert elsewhere.status == 404
        async with websocket(url, live) as latecomer:
            assert await receive(latecomer) == {"hello": "Ada"}
            assert await receive_until(latecomer, lambda told: "news" in told)
        for wrong in ("", "?token=forged"):
            with pytest.raises(InvalidStatus) as refused:
                async with websocket(url, f"/live{wrong}"):
                    pass
            assert refused.value.response.status_code == 401
    await example.says("Application shutdown complete")


async def test_primus_stands_around_the_django_project(http: aiohttp.ClientSession) -> None:
    async with served("django", ended=UVICORN) as (example, url):
        async with http.get(url) as page, http.get(f"{url}/primus/primus.js") as library:
            assert "/primus/primus.js" in await page.text()
            assert library.status == 200
        async with websocket(url) as reader:
            async with http.post(f"{url}/news", params={"text": "It rains"}) as published:
                assert published.status == 201
                assert await published.json() == {"readers": 1}
            assert await receive(reader) == {"news": "It rains"}
        async with http.get(f"{url}/nowhere") as nowhere:
            assert nowhere.status == 404
    await example.says("Application shutdown complete")


async def test_the_python_client_talks_to_the_echo() -> None:
    async with served("echo") as (_, url), run("client", url) as client:
        await client.says("my id is .+")
        await client.says(r"received \{'echo': \{'nested': \[1, 2.5, None\]\}\}")
        await client.says("a round trip took [0-9.]+ ms")
        await client.ends()


async def test_a_script_without_an_event_loop_talks_to_the_echo() -> None:
    async with served("echo") as (_, url), run("client", url, script="blocking.py") as client:
        await client.says("my id is .+")
        await client.says(r"received \{'echo': 'hello'\}")
        await client.says(r"received \{'echo': \{'nested': \[1, 2.5, None\]\}\}")
        await client.says(r"received \{'echo': 'last'\}")
        await client.ends()


async def test_the_worker_survives_a_restart_of_its_server() -> None:
    async with served("votes") as (server, url):
        endless = run("worker", url, "1000000", "0.01", ended=(-signal.SIGTERM,))
        async with endless as worker:
            await worker.says("5 of 1000000")
            await server.stop()
            await worker.says("trying again")
            async with served("votes", port=url.rpartition(":")[2]):
                await worker.says(r"back after [\d.]+ s\n(.*\n)*\d+ of 1000000")


async def test_the_worker_ends_once_all_is_delivered() -> None:
    async with served("votes") as (_, url), run("worker", url, "3", "0") as worker:
        await worker.says("done: 3 delivered")
        assert await worker.ends() == 0


async def test_the_parser_compresses_its_messages_and_limits_what_they_unpack_to(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE / "parser")
    from zipped import ZippedJSON

    async with served("parser") as (example, url):
        async with http.get(f"{url}/primus/primus.js") as library:
            assert "DecompressionStream" in await library.text()
        async with connect(url, transformer="websockets", parser=ZippedJSON()) as client:
            client.write({"text": "x" * 10_000})
            async with asyncio.timeout(DEADLINE):
                assert await anext(client) == {"echo": {"text": "x" * 10_000}}
        async with websocket(url) as socket:
            await socket.send(zlib.compress(b" " * 100_000_000))
            await socket.send(zlib.compress(b'"small"'))
            async with asyncio.timeout(DEADLINE):
                frame = await socket.recv()
            assert isinstance(frame, bytes)
            assert zlib.decompress(frame) == b'{"echo": "small"}'
        await example.says("no message of ours: .*too large")


async def test_the_demo_is_a_chat_that_survives_an_outage() -> None:
    async with demo("--outage", "0.5") as url:
        async with websocket(url, "/primus?name=Ada&tab=a") as ada:
            welcome = await receive_until(ada, of_type("welcome"))
            assert welcome["name"] == "Ada"
            async with websocket(url, "/primus?name=Grace&tab=b") as grace:
                people = await receive_until(
                    ada, lambda message: message["type"] == "people" and message["count"] == 2
                )
                assert [person["name"] for person in people["people"]] == ["Ada", "Grace"]
                await grace.send('{"type":"say","text":"  Hello <b>\\u0007Ada</b> ","key":"k"}')
                said = await receive_until(ada, note_of("said"))
                assert said["note"]["text"] == "Hello <b>Ada</b>"
                assert said["note"]["name"] == "Grace"
                await ada.send('{"type":"drop"}')
                await receive_until(grace, note_of("dropped"))
                with pytest.raises(ConnectionClosed):
                    await receive_until(grace, of_type("never"))
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))

        async with reconnected(url, "/primus?name=Ada&tab=a") as again:
            assert (await receive(again))["you"] == welcome["you"]
            await again.send('{"type":"drop"}')
            refused = await receive_until(again, of_type("refused"))
            assert refused["wait"] > 0


@asynccontextmanager
async def reconnected(url: str, path: str) -> AsyncIterator[ClientConnection]:
    """A WebSocket as soon as the server is back."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                socket = await open_websocket(url.replace("http", "ws", 1) + path, proxy=None)
                break
            except OSError:
                continue
    async with socket:
        yield socket


@pytest.mark.parametrize(
    "nonsense",
    [
        "null",
        "[]",
        '{"type":["say"]}',
        '{"type":"say"}',
        '{"type":"say","text":5,"key":"k"}',
        '{"type":"say","text":"   ","key":"k"}',
        '{"type":"rename","name":"\\u202e"}',
        '{"type":"ping","at":"now"}',
        '{"type":"drop it"}',
    ],
)
async def test_the_demo_ignores_what_is_no_message_of_its_own(nonsense: str) -> None:
    async with demo() as url, websocket(url, "/primus?name=Ada") as ada:
        await receive_until(ada, of_type("people"))
        await ada.send(nonsense)
        await ada.send('{"type":"ping","at":1}')
        assert await receive(ada) == {"type": "pong", "at": 1}


async def test_the_demo_does_not_listen_to_a_tab_that_sends_too_much() -> None:
    async with demo() as url, websocket(url) as tab:
        await receive_until(tab, of_type("people"))
        for number in range(500):
            await tab.send(json.dumps({"type": "ping", "at": number}))
        await tab.send('"primus::ping::1"')
        answers = 0
        while await receive(tab) != "primus::pong::1":
            answers += 1
        assert 20 <= answers < 100


async def test_an_outage_of_the_demo_ends_idle_http_connections_too() -> None:
    async with demo("--outage", "60") as url, websocket(url) as tab:
        host, _, port = url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /demo.css HTTP/1.1\r\nHost: demo\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        await tab.send('{"type":"drop"}')
        async with asyncio.timeout(DEADLINE):
            await reader.read()
        writer.close()


async def test_the_demo_keeps_other_sites_out(http: aiohttp.ClientSession) -> None:
    async with demo() as url:
        with pytest.raises(InvalidStatus) as refused:
            async with websocket(url, additional_headers={"Origin": "http://elsewhere.test"}):
                pass
        assert refused.value.response.status_code == 403
        async with websocket(url, additional_headers={"Origin": url}) as own:
            assert (await receive(own))["type"] == "welcome"
        async with http.get(url) as page:
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        async with http.get(f"{url}/%2e%2e/main.py") as outside:
            assert outside.status == 404


async def test_the_demo_says_in_one_line_that_its_port_is_taken() -> None:
    async with demo() as url:
        port = url.rpartition(":")[2]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "demo" / "main.py"),
            *("--host", "127.0.0.1", "--port", port),
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await process.communicate()
    assert process.returncode == 2
    assert stderr.decode().startswith(f"demo: cannot listen on 127.0.0.1 port {port}: ")
    assert stderr.count(b"\n") == 1
