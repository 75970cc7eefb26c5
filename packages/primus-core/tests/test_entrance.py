"""The entrance of a server of our own: whose connection it is, and how upgrades are answered."""

import asyncio
import logging
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

import primus.server.known_heads
from primus import Primus, Request, Response, Transformer
from primus.server.hosts.own import OwnHost
from primus.server.listen import OwnServer
from primus_testing import DEADLINE, eventually

HEAD = (
    b"GET /primus/?name=x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def with_header(line: bytes) -> bytes:
    """The upgrade with one header more."""
    return HEAD.removesuffix(b"\r\n") + line + b"\r\n\r\n"


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
    assert isinstance(primus.host, OwnHost)
    return primus.host.server


def known(primus: Primus) -> dict[asyncio.Transport, float]:
    """The connections that have not been handed over, and when each is dropped."""
    pending = own(primus)._pending
    assert pending is not None
    return pending.deadlines.due


def kept(primus: Primus) -> list[bytes]:
    """The heads that are not whole yet."""
    entrances = [transport.get_protocol() for transport in known(primus)]
    return [bytes(each._head) for each in entrances if each._head is not None]


@pytest.mark.parametrize(
    ("host", "dialled", "seen"),
    [
        (None, "127.0.0.1", "127.0.0.1"),
        (None, "::1", "::1"),
        ("::", "::1", "::1"),
        ("::1", "::1", "::1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
    ],
)
async def test_an_address_of_ipv4_looks_so_on_a_socket_for_both(
    host: str | None, dialled: str, seen: str
) -> None:
    primus = await Primus.create_server(host=host, transformer=Taking, iknowhttpsisbetter=True)
    addresses: list[str] = []

    @primus.before("look")
    def look(request: Request) -> None:
        addresses.append(request.address.ip)

    for head in (HEAD, REQUEST):
        reader, writer = await asyncio.open_connection(dialled, primus.port)
        writer.write(head)
        await reader.read(6)
        writer.close()
    async with aiohttp.ClientSession() as http, http.get(f"{primus.url}/primus/spec") as answer:
        assert answer.status == 200
    assert addresses == [seen, seen]
    await primus.destroy()


async def test_an_upgrade_is_taken_over_with_what_came_along() -> None:
    async with served() as primus:
        assert await asked(primus, HEAD + b"early") == b"taken early"


@pytest.mark.parametrize("speedups", ["0", "1"])
async def test_an_upgrade_as_most_clients_write_it_needs_no_parser(
    monkeypatch: pytest.MonkeyPatch, speedups: str
) -> None:
    monkeypatch.setenv("PRIMUS_SPEEDUPS", speedups)
    monkeypatch.delattr(primus.server.known_heads, "read_head")
    async with served() as server:
        assert await asked(server, HEAD + b"early") == b"taken early"


@pytest.mark.parametrize("cut", [1, 20, len(HEAD) - 1])
async def test_a_head_in_two_parts_is_put_together(cut: int) -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        writer.write(HEAD[:cut])
        await eventually(lambda: kept(primus) == [HEAD[:cut]])
        writer.write(HEAD[cut:] + b"early")
        assert await reader.read() == b"taken early"
        writer.close()


async def test_a_head_that_comes_byte_by_byte_is_put_together() -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        for place, byte in enumerate(HEAD):
            writer.write(bytes([byte]))
            await eventually(lambda whole=HEAD[: place + 1]: kept(primus) in ([whole], []))
        assert await reader.read() == b"taken "
        writer.close()


async def test_a_head_that_is_not_whole_costs_neither_task_nor_timer() -> None:
    async with served() as primus:
        before = len(asyncio.all_tasks())
        dialled = [await dial(primus) for _ in range(20)]
        for _, writer in dialled:
            writer.write(HEAD[:-1])
        await eventually(lambda: kept(primus) == 20 * [HEAD[:-1]])
        assert len(asyncio.all_tasks()) == before
        assert own(primus)._pending.deadlines._timer is not None
        for reader, writer in dialled:
            writer.write(HEAD[-1:])
            assert await reader.read() == b"taken "
            writer.close()


PLAIN = b"\r\n\r\nplain"
REQUEST = b"GET /primus/ HTTP/1.1\r\nHost: a\r\n\r\n"


def padded(head: bytes, size: int) -> bytes:
    """The head with a header that makes it `size` bytes long."""
    filler = b"X-Filler: %b\r\n\r\n" % (b"x" * (size - len(head) - len(b"X-Filler: \r\n")))
    return head.removesuffix(b"\r\n") + filler


@pytest.mark.parametrize(("head", "answer"), [(HEAD, b"taken "), (REQUEST, b"HTTP/1.1 200 OK")])
async def test_a_head_may_be_as_long_as_max_head(head: bytes, answer: bytes) -> None:
    async with served(max_head=1000) as primus:
        reader, writer = await dial(primus)
        writer.write(padded(head, 1000))
        assert await reader.readexactly(len(answer)) == answer
        writer.close()
        reader, writer = await dial(primus)
        writer.write(padded(head, 1001))
        assert (await reader.readline()) == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
        assert (await reader.read()).endswith(
            b'\r\n\r\n{"error":"Request Header Fields Too Large"}'
        )
        writer.close()


async def test_a_head_that_never_ends_is_refused_and_the_rest_passed_over() -> None:
    async with served(max_head=1000) as primus:
        reader, writer = await dial(primus)
        writer.write(b"GET / HTTP/1.1\r\n")
        await eventually(lambda: len(kept(primus)) == 1)
        for _ in range(100):
            writer.write(b"X-Filler: x\r\n" * 80)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        assert kept(primus) == []
        writer.close()


async def test_a_request_behind_one_that_was_refused_is_not_looked_at() -> None:
    seen: list[Request] = []
    async with served(max_head=1000) as primus:
        primus.before("look", seen.append)
        reader, writer = await dial(primus)
        writer.write(padded(REQUEST, 1001))
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        (transport,) = known(primus)
        transport.get_protocol().data_received(REQUEST)
        await asyncio.sleep(0)
        assert seen == []
        writer.close()


async def test_a_connection_that_comes_while_the_server_ends_is_dropped() -> None:
    async with served(handshake_timeout=False) as primus:
        pending = own(primus)._pending
        assert pending is not None
        await pending.close(0)
        assert await asked(primus) == b""


async def test_the_next_head_of_a_kept_connection_is_bounded_too() -> None:
    async with served(max_head=1000) as primus:
        reader, writer = await dial(primus)
        for head in (REQUEST, padded(REQUEST, 1000)):
            writer.write(head[:50])
            await eventually(lambda part=head[:50]: kept(primus) in ([part], []))
            writer.write(head[50:])
            assert (await reader.readuntil(PLAIN)).startswith(b"HTTP/1.1 200 OK")
        writer.write(padded(REQUEST, 1001))
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_each_head_that_comes_in_parts_is_one_of_its_own() -> None:
    async with served() as primus:
        paths: list[str] = []
        primus.before("note", lambda request: paths.append(request.path))
        reader, writer = await dial(primus)
        for name in (b"one", b"two", b"three"):
            head = REQUEST.replace(b"/primus/", b"/primus/" + name)
            writer.write(head[:12])
            await eventually(lambda part=head[:12]: kept(primus) == [part])
            writer.write(head[12:])
            await reader.readuntil(PLAIN)
        assert paths == ["/primus/one", "/primus/two", "/primus/three"]
        writer.close()


async def test_the_next_head_of_a_kept_connection_has_as_long_as_the_first() -> None:
    is_answered, seconds = False, 0.05
    while not is_answered:  # on a busy machine the first request may come too late for that
        async with served(handshake_timeout=seconds) as primus:
            reader, writer = await dial(primus)
            writer.write(REQUEST)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(PLAIN)
                is_answered = True
                writer.write(REQUEST[:-1])
                assert await reader.read() == b""
            writer.close()
        seconds *= 2


@pytest.mark.parametrize("rest", [1, 2, 3, 4, 11, 20])
async def test_requests_that_come_together_are_answered_in_turn(rest: int) -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        writer.write(b"\r\n" + REQUEST + REQUEST + REQUEST[:-rest])
        await reader.readuntil(PLAIN)
        await reader.readuntil(PLAIN)
        writer.write(REQUEST[-rest:])
        assert (await reader.readuntil(PLAIN)).startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def test_requests_that_come_while_one_is_answered_wait_for_it() -> None:
    async with served() as primus:
        gate, entered = asyncio.Event(), asyncio.Event()

        @primus.before("slow")
        async def slow(request: Request) -> None:
            entered.set()
            await gate.wait()

        reader, writer = await dial(primus)
        writer.write(REQUEST)
        await entered.wait()
        writer.write(REQUEST * 100)
        gate.set()
        for _ in range(101):
            await reader.readuntil(PLAIN)
        writer.close()


async def test_a_head_that_comes_while_a_request_is_answered_is_bounded() -> None:
    async with served() as primus:
        slow = Slow()
        primus.before("slow", slow)
        reader, writer = await dial(primus)
        writer.write(REQUEST)
        await slow.entered
        writer.write(REQUEST[:-2] + b"X-Filler: x\r\n" * 6_000)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        slow.gate.set()


async def test_a_body_that_follows_its_head_is_no_head() -> None:
    class Reading(Taking):
        async def request(self, request: Request) -> Response:
            return Response(200, await request.read())

    post = b"POST /primus/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n"
    async with served(transformer=Reading, max_head=1000) as primus:
        reader, writer = await dial(primus)
        for _ in range(2):
            writer.write(post)
            for _ in range(4):
                writer.write(b"y" * 1000)
                await asyncio.sleep(0)
            assert (await reader.readuntil(b"y" * 4000)).startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def test_what_comes_while_a_layer_is_busy_is_kept() -> None:
    async with served() as primus:
        slow = Slow()
        primus.before("slow", slow)
        reader, writer = await dial(primus)
        writer.write(HEAD + b"one ")
        entrance = (await slow.entered).native.get_protocol()
        writer.write(b"two")
        await eventually(lambda: entrance._ahead == b"one two")
        slow.gate.set()
        assert await reader.read() == b"taken one two"
        writer.close()


async def test_while_a_layer_is_busy_nothing_more_is_read() -> None:
    async with served() as primus:
        slow = Slow()
        primus.before("slow", slow)
        _, writer = await dial(primus)
        writer.write(HEAD)
        transport = (await slow.entered).native
        writer.write(b"x" * 10_000_000)
        await eventually(lambda: transport.get_protocol()._ahead)
        assert not transport.is_reading()
        writer.transport.abort()
        slow.gate.set()


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
        assert answer.endswith(b"\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")
        assert b"Content-Length" not in answer
        assert closed.is_set()


async def test_an_upgrade_that_is_not_taken_is_dropped() -> None:
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
        (HEAD.replace(b"Host: a", b"Host : a"), b"HTTP/1.1 400 "),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"), b"HTTP/1.0 200 "),
        (HEAD.replace(b"websocket", b"h2c"), b"HTTP/1.1 200 "),
        (with_header(b"Expect: 100-continue"), b"HTTP/1.1 100 "),
        (with_header(b"Expect: more"), b"HTTP/1.1 417 "),
        (with_header(b"Content-Length: 2") + b"ab", b"HTTP/1.1 400 "),
        (with_header(b"Transfer-Encoding: chunked") + b"0\r\n\r\n", b"HTTP/1.1 400 "),
        (with_header(b"Content-Length: 0"), b"taken "),
        (HEAD.replace(b"/primus/", b"http://b/primus/"), b"taken "),
    ],
    ids=[
        "elsewhere",
        "malformed",
        "1.0",
        "another protocol",
        "asks first",
        "expects more",
        "with a body",
        "with chunks",
        "with an empty body",
        "absolute",
    ],
)
async def test_everything_else_is_answered_as_what_it_is(said: bytes, answer: bytes) -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        writer.write(said)
        assert await reader.readexactly(len(answer)) == answer
        writer.close()


@pytest.mark.parametrize(
    "said",
    [
        with_header(b"X-Folded: a\r\n b"),
        HEAD.replace(b"\r\n", b"\n"),
        HEAD.replace(b"Host: a\r\n", b"Host: a\n"),
        with_header(b"Content-Length: 3\r\nTransfer-Encoding: chunked"),
        with_header(b"Content-Length: 3\r\nContent-Length: 4"),
        with_header(b"Content-Length: +3"),
        with_header(b"X-Space : a"),
        with_header(b"X-Nul: a\0b"),
        with_header(b"X-Return: a\rb"),
        with_header(b": nameless"),
        with_header(b"no colon"),
        HEAD.replace(b"GET", b"G@T"),
        HEAD.replace(b"GET", b"get"),
        HEAD.replace(b"GET", b"BREW"),
        HEAD.replace(b"HTTP/1.1", b"HTTP/9.9"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=[
        "folded",
        "line feeds",
        "one line feed",
        "length and chunks",
        "two lengths",
        "signed",
        "space before the colon",
        "NUL",
        "carriage return",
        "nameless",
        "no colon",
        "no token",
        "small letters",
        "unknown method",
        "unknown version",
        "TLS",
    ],
)
async def test_a_malformed_request_is_refused_and_the_connection_closed(said: bytes) -> None:
    async with served() as primus:
        answer = await asked(primus, said)
        assert answer.split(b" ")[1:2] == [b"400"]
        assert b"taken" not in answer


async def test_no_body_is_inflated() -> None:
    seen: list[bytes] = []

    async def reads(request: Request) -> Response:
        seen.append(await request.read(1000))
        return Response(200, "read")

    body = zlib.compress(b"x" * 100_000)
    head = (
        b"POST /primus/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: deflate\r\n"
    )
    async with served() as primus:
        primus.before("reads", reads)
        answer = await asked(primus, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.endswith(b"read")
    assert seen == [body]


async def test_a_target_that_is_too_long_is_refused() -> None:
    async with served() as primus:
        reader, writer = await dial(primus)
        writer.write(HEAD.replace(b"name=x", b"name=" + b"x" * 20_000))
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
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


async def test_a_peer_that_sends_nothing_or_too_little_is_dropped() -> None:
    async with served(handshake_timeout=0.05) as primus:
        assert await asked(primus) == b""
        assert await asked(primus, HEAD[:30]) == b""
    async with served() as primus:
        assert await asked(primus, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") != b""


async def test_a_peer_that_has_gone_is_forgotten() -> None:
    async with served(handshake_timeout=False) as primus:
        _, writer = await dial(primus)
        await eventually(lambda: len(known(primus)) == 1)
        writer.transport.abort()
        await eventually(lambda: not known(primus))
        reader, writer = await dial(primus)
        writer.write(REQUEST)
        await reader.readuntil(PLAIN)
        writer.write(REQUEST[:30])
        await eventually(lambda: kept(primus) == [REQUEST[:30]])
        writer.transport.abort()
        await eventually(lambda: not known(primus))


@pytest.mark.parametrize("timeout", [10.0, False])
async def test_a_server_that_stops_does_not_wait_for_silent_peers(timeout: float) -> None:
    async with served(handshake_timeout=timeout) as primus:
        reader, writer = await dial(primus)
        await eventually(lambda: len(known(primus)) == 1)
        await primus.destroy()
        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("head", [HEAD, b"GET /primus HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_a_server_that_stops_drops_a_request_that_takes_too_long(head: bytes) -> None:
    async with served(handshake_timeout=False) as primus:
        primus.limits = replace(primus.limits, shutdown_timeout=0.05)
        slow = Slow()
        primus.before("slow", slow)
        reader, writer = await dial(primus)
        writer.write(head)
        await slow.entered
        await primus.destroy()
        assert await reader.read() == b""
        writer.close()


async def test_tls_handshakes_that_never_end_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with served(ssl_context=context, handshake_timeout=0.05) as primus:
        assert await asked(primus, hello) == b""
        await eventually(lambda: not own(primus)._acceptor._tasks)
    async with served(ssl_context=context) as primus:
        reader, writer = await dial(primus)
        writer.write(hello)
        await eventually(lambda: len(own(primus)._acceptor._tasks) == 1)
        await primus.destroy()
        assert await reader.read() == b""
        writer.close()
    assert caplog.text == ""
