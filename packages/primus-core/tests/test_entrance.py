"""The entrance of a server of our own: whose connection it is, and how upgrades are answered."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from primus import Primus, Request, Response, Transformer
from primus.server.hosts.aiohttp import AiohttpHost
from primus.server.listen import OwnServer
from primus_testing import DEADLINE, eventually

HEAD = (
    b"GET /primus/?name=x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Taking(Transformer):
    """Takes every upgrade over, says so with what came along, and closes."""

    takes_transports = True

    async def request(self, request: Request) -> Response:
        return Response(200, "plain")

    async def upgrade(self, request: Request) -> Response | None:
        if not request.detachable:
            return Response.error(400)
        try:
            handed = request.detach()
        except ConnectionResetError:
            return Response.error(400)
        handed.transport.write(b"taken " + handed.early)
        handed.transport.close()
        return None


class Slow:
    """A layer that holds requests up."""

    def __init__(self, answer: Response | None = None) -> None:
        self.entered: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self.gate = asyncio.Event()
        self.answer = answer

    async def __call__(self, request: Request) -> Response | None:
        self.entered.set_result(request)
        await self.gate.wait()
        return self.answer


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[Primus]:
    options = {"transformer": Taking, "iknowhttpsisbetter": True, **options}
    primus = await Primus.create_server(host="127.0.0.1", **options)
    async with asyncio.timeout(DEADLINE):
        yield primus
    await primus.destroy()


async def dial(primus: Primus) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", primus.port)


async def asked(primus: Primus, said: bytes = b"") -> bytes:
    """Everything that the server answers until it closes."""
    reader, writer = await dial(primus)
    writer.write(said)
    answer = await reader.read()
    writer.close()
    return answer


def own(primus: Primus) -> OwnServer:
    assert isinstance(primus.host, AiohttpHost)
    assert primus.host._server is not None
    return primus.host._server


def waiting(primus: Primus) -> int:
    """How many have made no request yet."""
    lobby = own(primus)._lobby
    assert lobby is not None
    return len(lobby._waiting)


def passed_on(primus: Primus) -> int:
    """How many connections are with aiohttp."""
    server = own(primus).runner.server
    assert server is not None
    return len(server.connections)


async def test_an_upgrade_is_taken_over_with_what_came_along() -> None:
    async with served() as primus:
        assert await asked(primus, HEAD + b"early") == b"taken early"


@pytest.mark.parametrize("cut", [1, 20, len(HEAD) - 1])
async def test_a_head_in_two_parts_is_put_together_by_aiohttp(cut: int) -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        writer.write(HEAD[:cut])
        await eventually(lambda: passed_on(primus) == 1)
        writer.write(HEAD[cut:])
        assert await reader.read() == b"taken "
        writer.close()


async def test_what_comes_while_a_layer_is_busy_is_kept() -> None:
    async with served() as primus:
        slow = Slow()
        primus.before("slow", slow)
        reader, writer = await dial(primus)
        writer.write(HEAD + b"one ")
        entrance = (await slow.entered).native.get_protocol()
        writer.write(b"two")
        await eventually(lambda: entrance._early == b"one two")
        slow.gate.set()
        assert await reader.read() == b"taken one two"
        writer.close()


async def test_layers_see_the_upgrade_as_it_came() -> None:
    seen: list[Request] = []
    async with served() as primus:

        @primus.before("look")
        def look(request: Request) -> None:
            seen.append(request)
            assert request.native.get_extra_info("peername")[1] == request.address.port

        await asked(primus, HEAD)
    (request,) = seen
    assert (request.method, request.path, request.query) == ("GET", "/primus/", {"name": "x"})
    assert (request.address.ip, request.secure, request.upgrade) == ("127.0.0.1", False, True)
    assert request.native is None


async def test_a_refused_upgrade_is_answered_and_closed() -> None:
    async with served() as primus:
        primus.before("no", lambda request: Response(403, "no", {"X-Reason": "none"}))
        head, _, body = (await asked(primus, HEAD)).partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"HTTP/1.1 403 Forbidden"
        assert {b"X-Reason: none", b"Content-Length: 2", b"Connection: close"} <= set(lines)
        assert any(line.startswith(b"Date: ") for line in lines)
        assert body == b"no"


async def test_an_upgrade_may_be_refused_piece_by_piece() -> None:
    closed = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"one "
            yield b"two"
        finally:
            closed.set()

    async with served() as primus:
        primus.before("no", lambda request: Response(200, pieces()))
        answer = await asked(primus, HEAD)
        assert answer.endswith(b"\r\n\r\none two")
        assert b"Content-Length" not in answer
        assert closed.is_set()


async def test_an_upgrade_that_nobody_takes_is_dropped() -> None:
    class Idle(Taking):
        async def upgrade(self, request: Request) -> Response | None:
            return None

    async with served(transformer=Idle) as primus:
        assert await asked(primus, HEAD) == b""


async def test_a_transformer_that_fails_is_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Taking):
        async def upgrade(self, request: Request) -> Response | None:
            raise RuntimeError("oh")

    async with served(transformer=Failing) as primus:
        assert (await asked(primus, HEAD)).startswith(b"HTTP/1.1 500 ")
    assert "failed to answer <Request GET /primus/>" in caplog.text


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (HEAD.replace(b"/primus/", b"/other/"), b"HTTP/1.1 404 "),
        (HEAD.replace(b"Host: a", b"Host : a"), b"HTTP/1.0 400 "),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"), b"taken "),
        (HEAD.replace(b"websocket", b"h2c"), b"HTTP/1.1 200 "),
        (HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\nab"), b"taken "),
    ],
    ids=["elsewhere", "malformed", "1.0", "another protocol", "with a body"],
)
async def test_everything_else_is_answered_by_way_of_aiohttp(said: bytes, answer: bytes) -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        writer.write(said)
        assert await reader.readexactly(len(answer)) == answer
        writer.close()


async def test_a_client_that_goes_while_a_layer_is_busy_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    async with served() as primus:
        slow = Slow(Response(403, "no"))
        primus.before("slow", slow)
        _, writer = await dial(primus)
        writer.write(HEAD)
        request = await slow.entered
        writer.transport.abort()
        await eventually(request.native.is_closing)
        slow.gate.set()
    assert caplog.text == ""


async def test_who_says_nothing_is_dropped_and_who_says_too_little_too() -> None:
    async with served(handshake_timeout=0.05) as primus:
        assert await asked(primus) == b""
        assert await asked(primus, HEAD[:30]) == b""
        assert await asked(primus, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") != b""


async def test_nobody_is_remembered_who_has_gone() -> None:
    async with served(handshake_timeout=False) as primus:
        _, writer = await dial(primus)
        await eventually(lambda: waiting(primus) == 1)
        writer.transport.abort()
        await eventually(lambda: waiting(primus) == 0)
        _, writer = await dial(primus)
        writer.write(HEAD[:30])
        await eventually(lambda: passed_on(primus) == 1)
        assert waiting(primus) == 0
        writer.transport.abort()
        await eventually(lambda: passed_on(primus) == 0)


async def test_a_server_that_stops_waits_for_nobody_who_says_nothing() -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        await eventually(lambda: waiting(primus) == 1)
        await primus.destroy()
        assert await reader.read() == b""
        writer.close()


async def test_a_server_that_stops_drops_an_upgrade_that_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("primus.server.listen.SHUTDOWN", 0.05)
    async with served() as primus:
        slow = Slow()
        primus.before("slow", slow)
        reader, writer = await dial(primus)
        writer.write(HEAD)
        await slow.entered
        await primus.destroy()
        assert await reader.read() == b""
        writer.close()
