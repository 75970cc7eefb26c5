"""Plain requests on a server of our own: what HTTP wants of their answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from primus import Primus, ProtocolError, Request, Response, Transformer
from primus.http import BodyTooLarge, ClientGone
from primus_testing import DEADLINE, Tracebacks, eventually, running
from primus_testing.tls import certificates

GET = b"GET /primus/ HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET /primus/ HTTP/1.0\r\n\r\n"
END = b"\r\n\r\n"


class Answering(Transformer):
    """Answers what the test wants."""

    needs = frozenset({"http"})
    answer: Any = None

    async def request(self, request: Request) -> Response:
        if self.answer is None:
            return Response(200, "plain")
        response: Response = await self.answer(request)
        return response

    async def upgrade(self, request: Request) -> Response | None:
        return await self.request(request)


@asynccontextmanager
async def served(answer: Any = None, **options: Any) -> AsyncIterator[Primus]:
    """A server whose plain requests are answered by `answer`; limits may be among the options."""
    limits = {name: options.pop(name) for name in ("keepalive_timeout",) if name in options}

    def setup(primus: Primus) -> None:
        primus.limits = replace(primus.limits, **limits)
        primus.transformer.answer = answer
        for name in ("forwarded", "cors", "x-xss", "no-cache"):
            primus.remove(name)

    options = {"transformer": Answering, "iknowhttpsisbetter": True, **options}
    primus = await Primus.create_server(host="127.0.0.1", setup=setup, **options)
    async with asyncio.timeout(DEADLINE):
        yield primus
    await primus.destroy()


async def dial(primus: Primus) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", primus.port)


def without_date(answer: bytes) -> bytes:
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.startswith(b"Date: "))


async def asked(primus: Primus, said: bytes) -> bytes:
    """Everything that is answered until the server closes, without the date."""
    reader, writer = await dial(primus)
    writer.write(said)
    answer = await reader.read()
    writer.close()
    return without_date(answer)


def closing(request: bytes) -> bytes:
    """The same, as the last request of its connection."""
    return request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def post(size: int, *lines: bytes) -> bytes:
    return b"\r\n".join(
        (b"POST /primus/ HTTP/1.1", b"Host: a", b"Content-Length: %d" % size, *lines, b"", b"")
    )


async def echo(request: Request) -> Response:
    return Response(200, await request.read())


TYPE = b"Content-Type: text/plain; charset=utf-8\r\n"
LENGTH = b"Content-Length: 5\r\n"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            closing(GET),
            b"HTTP/1.1 200 OK\r\n" + TYPE + b"Connection: close\r\n" + LENGTH + b"\r\nplain",
        ),
        (
            closing(GET.replace(b"GET", b"HEAD")),
            b"HTTP/1.1 200 OK\r\n" + TYPE + b"Connection: close\r\n" + LENGTH + b"\r\n",
        ),
        (OLD, b"HTTP/1.0 200 OK\r\n" + TYPE + b"Connection: close\r\n" + LENGTH + b"\r\nplain"),
        (
            OLD.replace(b"1.0\r\n", b"1.0\r\nConnection: keep-alive\r\n") + OLD,
            b"HTTP/1.0 200 OK\r\n" + TYPE + b"Connection: keep-alive\r\n" + LENGTH + b"\r\nplain"
            b"HTTP/1.0 200 OK\r\n" + TYPE + b"Connection: close\r\n" + LENGTH + b"\r\nplain",
        ),
        (
            GET + closing(GET),
            b"HTTP/1.1 200 OK\r\n" + TYPE + LENGTH + b"\r\nplain"
            b"HTTP/1.1 200 OK\r\n" + TYPE + b"Connection: close\r\n" + LENGTH + b"\r\nplain",
        ),
    ],
    ids=["the last", "HEAD", "1.0", "1.0 that stays", "one that stays"],
)
async def test_an_answer_is_as_its_request_wants_it(said: bytes, answer: bytes) -> None:
    async with served() as primus:
        assert await asked(primus, said) == answer


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("said", "head", "body"),
    [
        (closing(GET), b"Transfer-Encoding: chunked\r\n", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        (closing(GET.replace(b"GET", b"HEAD")), b"Transfer-Encoding: chunked\r\n", b""),
        (OLD, b"", b"onetwo"),
    ],
    ids=["1.1", "HEAD", "1.0"],
)
async def test_an_answer_in_pieces(said: bytes, head: bytes, body: bytes) -> None:
    async def answer(request: Request) -> Response:
        return Response(200, pieces(b"one", b"", b"two"))

    version = said.split(b"\r\n")[0].split()[-1]
    async with served(answer) as primus:
        assert await asked(primus, said) == (
            version + b" 200 OK\r\n" + head + b"Connection: close\r\n\r\n" + body
        )


async def test_an_answer_in_pieces_may_say_how_long_it_is() -> None:
    async def answer(request: Request) -> Response:
        return Response(200, pieces(b"one", b"two"), {"Content-Length": "6"})

    async with served(answer) as primus:
        assert await asked(primus, GET + closing(GET)) == (
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nonetwo"
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nonetwo"
        )


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_may_hold_nothing_holds_nothing(status: int) -> None:
    async def answer(request: Request) -> Response:
        return Response(status, b"lost")

    async with served(answer) as primus:
        head, _, body = (await asked(primus, closing(GET))).partition(END)
    assert head.split(b"\r\n")[1:] == [b"Connection: close"]
    assert body == b""


async def test_an_answer_may_end_the_connection() -> None:
    async def answer(request: Request) -> Response:
        return Response(200, b"", {"Connection": "close"})

    async with served(answer) as primus:
        assert await asked(primus, GET) == (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )


async def test_heads_that_look_alike_are_told_apart() -> None:
    async def answer(request: Request) -> Response:
        request.response_headers["X-Added"] = request.query_string
        return Response(200, b"x" * len(request.query_string), {"X-Name": request.query_string})

    async with served(answer) as primus:
        for query in (b"a", b"b", b"cc", b"a"):
            lines = (await asked(primus, closing(GET.replace(b"/ H", b"/?%b H" % query)))).split(
                b"\r\n"
            )
            assert lines[1:3] == [b"X-Added: " + query, b"X-Name: " + query]
            assert b"Content-Length: %d" % len(query) in lines


async def test_no_more_heads_are_remembered_than_some() -> None:
    async def answer(request: Request) -> Response:
        return Response(200, b"", {"X-Name": request.query_string})

    async with served(answer) as primus:
        reader, writer = await dial(primus)
        for number in range(300):
            writer.write(GET.replace(b"/ H", b"/?%d H" % number))
            assert b"X-Name: %d\r\n" % number in await reader.readuntil(END)
        assert len(primus.host.server._pending.heads._known) == 300 - 256
        writer.write(GET.replace(b"/ H", b"/?%b H" % (b"x" * 2000)))
        await reader.readuntil(END)
        assert len(primus.host.server._pending.heads._known) == 300 - 256
        writer.close()


async def test_elsewhere_there_is_nothing_and_the_connection_stays() -> None:
    async with served() as primus:
        answers = await asked(primus, GET.replace(b"primus", b"other") + closing(GET))
    assert answers.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answers.endswith(b"plain")


async def test_a_connection_that_the_application_has_is_its_own() -> None:
    other = GET.replace(b"/primus/", b"/original")
    async with running(on="own", transformer=Answering) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for said, answer in ((GET, b"plain"), (other, b"original listener"), (GET, b"plain")):
            writer.write(said)
            assert (await reader.readuntil(END + answer)).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


# -- bodies


@pytest.mark.parametrize("cut", range(1, 33))
async def test_a_body_of_chunks_may_be_cut_anywhere(cut: int) -> None:
    head = b"POST /primus/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"4\r\n\r\n\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" + closing(GET)
    entered = asyncio.Event()

    async def answer(request: Request) -> Response:
        entered.set()
        return await echo(request)

    async with served(answer) as primus:
        reader, writer = await dial(primus)
        writer.write(head)
        await entered.wait()
        writer.write(body[:cut])
        for _ in range(5):
            await asyncio.sleep(0)
        writer.write(body[cut:])
        answers = await reader.read()
        assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
        assert END + b"\r\n\r\nabc" + b"HTTP/1.1" in answers
        writer.close()


async def test_trailers_without_end_are_refused() -> None:
    errors: list[ProtocolError] = []

    async def answer(request: Request) -> Response:
        try:
            return await echo(request)
        except ProtocolError as error:
            errors.append(error)
            return Response(400)

    head = b"POST /primus/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    async with served(answer, max_head=1000) as primus:
        reader, writer = await dial(primus)
        writer.write(head)
        for _ in range(200):
            writer.write(b"X: " + b"y" * 100 + b"\r\n")
            await asyncio.sleep(0)
        with suppress(ConnectionError):
            assert (await reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        writer.close()
    assert "hold nothing of it" in str(errors)


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async with served(echo) as primus:
        reader, writer = await dial(primus)
        writer.write(closing(post(3, b"Expect: 100-continue")))
        assert await reader.readuntil(END) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await reader.read()).endswith(b"abc")
        writer.close()


@pytest.mark.parametrize(
    ("said", "begin"),
    [
        (post(3, b"Expect: 100-continue") + b"abc", b"HTTP/1.1 200 OK"),
        (OLD.replace(b"1.0\r\n", b"1.0\r\nExpect: 100-continue\r\n"), b"HTTP/1.0 200 OK"),
        (OLD.replace(b"1.0\r\n", b"1.0\r\nExpect: more\r\n"), b"HTTP/1.0 200 OK"),
        (GET.replace(b"a\r\n", b"a\r\nExpect: more\r\n"), b"HTTP/1.1 417 Expectation Failed"),
    ],
    ids=["it has sent it", "1.0", "1.0, more", "more"],
)
async def test_a_client_that_need_not_be_told_is_not(said: bytes, begin: bytes) -> None:
    async with served(echo) as primus:
        reader, writer = await dial(primus)
        writer.write(said)
        assert await reader.readline() == begin + b"\r\n"
        writer.close()


async def refuse(request: Request) -> Response:
    try:
        await request.read(10)
    except BodyTooLarge:
        return Response(413, "too long")
    return Response(200)


async def test_a_client_gets_the_answer_before_it_has_sent_all() -> None:
    async with served(refuse) as primus:
        reader, writer = await dial(primus)
        writer.write(post(10_000_000))
        for _ in range(100):
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.endswith(END + b"too long")
        writer.close()


async def test_a_client_that_sends_on_after_its_answer_is_dropped() -> None:
    async def answer(request: Request) -> Response:
        primus.host.server._pending.handshake_timeout = 0.05  # what is left of it
        return await refuse(request)

    async with served(answer, keepalive_timeout=0.05) as primus:
        reader, writer = await dial(primus)
        writer.write(post(10_000_000) + b"x" * 100)
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 1000)
                await writer.drain()
                await asyncio.sleep(0.001)
        writer.close()


async def test_a_body_that_is_not_read_is_not_taken_either() -> None:
    gate = asyncio.Event()
    entered: asyncio.Future[Request] = asyncio.get_running_loop().create_future()

    async def answer(request: Request) -> Response:
        entered.set_result(request)
        await gate.wait()
        return Response(200, str(len(await request.read())))

    async with served(answer) as primus:
        reader, writer = await dial(primus)
        writer.write(closing(post(1_000_000)) + b"x" * 1_000_000)
        transport = (await entered).native
        await eventually(lambda: not transport.is_reading())
        gate.set()
        assert (await reader.read()).endswith(b"1000000")
        writer.close()


async def test_a_body_that_is_short_and_not_read_is_passed_over() -> None:
    async with served() as primus:
        answers = await asked(primus, post(3) + b"abc" + closing(GET))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2


async def test_a_client_that_goes_in_the_middle_of_its_body() -> None:
    gone: list[ClientGone] = []
    entered = asyncio.Event()

    async def answer(request: Request) -> Response:
        entered.set()
        try:
            return await echo(request)
        except ClientGone as error:
            gone.append(error)
            raise

    async with served(answer) as primus:
        _, writer = await dial(primus)
        writer.write(post(10) + b"abc")
        await entered.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await eventually(lambda: gone)


# -- clients that go


async def test_a_client_that_goes_before_its_answer_is_told_of_once() -> None:
    told: list[str] = []
    gate = asyncio.Event()

    async def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        gate.set()
        await eventually(lambda: told)
        request.on_gone(lambda: told.append("gone already"))
        return Response(200)

    async with served(answer) as primus:
        _, writer = await dial(primus)
        writer.write(GET)
        await gate.wait()
        writer.transport.abort()
        await eventually(lambda: told == ["gone", "gone already"])


async def test_a_client_that_goes_after_its_answer_is_not_told_of() -> None:
    told: list[str] = []

    async def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        return Response(200, "plain")

    async with served(answer) as primus:
        reader, writer = await dial(primus)
        writer.write(GET)
        await reader.readuntil(END + b"plain")
        writer.close()
        await eventually(lambda: not primus.host.server._pending.deadlines.due)
    assert told == []


async def test_a_stream_does_not_run_ahead_of_its_client() -> None:
    given = 0
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        try:
            while True:
                given += 1
                yield b"x" * 100_000
        finally:
            closed.set()

    async def answer(request: Request) -> Response:
        return Response(200, endless())

    async with served(answer) as primus:
        _, writer = await dial(primus)
        writer.transport.pause_reading()
        writer.write(GET)
        before = -1
        while given != before:
            before = given
            for _ in range(200):
                await asyncio.sleep(0)
        assert 0 < given < 1000
        writer.transport.abort()
        await closed.wait()


# -- failures


async def test_a_handler_that_fails_is_answered_for(tracebacks: Tracebacks) -> None:
    tracebacks.expect("failed to answer <Request GET /primus/>")

    async def answer(request: Request) -> Response:
        request.response_headers["X-Mine"] = "a"
        raise RuntimeError("oh")

    async with served(answer) as primus:
        answers = await asked(primus, closing(GET))
    assert answers.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"X-Mine" not in answers


async def test_a_header_that_would_split_the_answer_is_not_sent(tracebacks: Tracebacks) -> None:
    tracebacks.expect("failed to answer")

    async def answer(request: Request) -> Response:
        request.response_headers["X-Mine"] = "a\r\nX-Evil: b"
        return Response(200)

    async with served(answer) as primus:
        answers = await asked(primus, closing(GET))
    assert answers.startswith(b"HTTP/1.1 500 ")
    assert b"X-Evil" not in answers


async def test_a_stream_that_fails_is_cut_off(tracebacks: Tracebacks) -> None:
    tracebacks.expect("failed in the middle of the answer")

    async def breaking() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("oh")

    async def answer(request: Request) -> Response:
        return Response(200, breaking())

    async with served(answer) as primus:
        reader, writer = await dial(primus)
        writer.write(GET)
        with suppress(ConnectionError):
            assert not (await reader.read()).endswith(b"0\r\n\r\n")
        writer.close()


# -- time, and the end


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\n"])
async def test_a_connection_that_is_idle_is_dropped(behind: bytes) -> None:
    async with served(keepalive_timeout=0.05) as primus:
        reader, writer = await dial(primus)
        writer.write(GET + behind)
        await reader.readuntil(END + b"plain")
        assert await reader.read() == b""
        writer.close()


async def test_a_request_that_is_answered_slowly_is_not_idle() -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(0.1)
        return Response(200, "slow")

    async with served(answer, keepalive_timeout=0.02) as primus:
        assert (await asked(primus, closing(GET))).endswith(b"slow")


async def test_a_server_that_stops_answers_what_it_was_asked() -> None:
    gate, entered = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Response:
        entered.set()
        await gate.wait()
        return Response(200, "late")

    async with served(answer) as primus:
        reader, writer = await dial(primus)
        writer.write(GET + GET)
        await entered.wait()
        stopping = asyncio.ensure_future(primus.destroy())
        await eventually(lambda: primus.host.server._pending.is_closed)
        gate.set()
        answers = await reader.read()
        assert answers.count(b"HTTP/1.1 200 OK") == 1
        assert b"Connection: close" in answers
        await stopping
        writer.close()


async def test_requests_over_tls() -> None:
    context, client = certificates()
    async with served(refuse, ssl_context=context) as primus:
        reader, writer = await asyncio.open_connection("localhost", primus.port, ssl=client)
        writer.write(post(3) + b"abc")
        assert (await reader.readuntil(END)).startswith(b"HTTP/1.1 200 OK")
        writer.write(post(10_000_000) + b"x" * 100_000)
        assert (await reader.readuntil(b"too long")).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_connections_share_the_names_of_common_headers_and_no_others() -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: Request) -> Response:
        seen.append(dict(request.headers))
        return Response(200)

    said = GET.replace(b"Host: a", b"Host: a\r\nsec-fetch-site: none\r\nX-Mine: a\r\nX-Empty:")
    async with served(answer) as primus:
        await asked(primus, closing(said))
        await asked(primus, closing(said))
    names = ["Host", "sec-fetch-site", "X-Mine", "X-Empty"]
    assert [list(headers)[:4] for headers in seen] == [names, names]
    assert seen[0]["X-Empty"] == ""
    shared = [one is other for one, other in zip(*seen, strict=True)]
    assert shared[:4] == [True, True, False, False]


# -- without a task


class Bare(Answering):
    """Asks for no task before it first waits."""

    begins_bare = True


async def test_what_need_not_wait_is_answered_without_a_task() -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    async def answer(request: Request) -> Response:
        tasks.append(asyncio.current_task())
        if request.query:
            await asyncio.sleep(0)
            tasks.append(asyncio.current_task())
        return Response(200, "plain")

    async with served(answer, transformer=Bare) as primus:
        answers = await asked(primus, GET + closing(GET.replace(b"/ H", b"/?wait=1 H")))
        assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert tasks[:2] == [None, None]
    assert tasks[2] is not None


@pytest.mark.parametrize("bare", [True, False])
async def test_an_upgrade_that_need_not_wait_is_answered_without_a_task(bare: bool) -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    class Refusing(Answering):
        upgrades_bare = bare

        async def upgrade(self, request: Request) -> Response | None:
            tasks.append(asyncio.current_task())
            await asyncio.sleep(0)
            tasks.append(asyncio.current_task())
            return Response(403)

    async with served(transformer=Refusing) as primus:
        said = GET.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert (await asked(primus, said)).startswith(b"HTTP/1.1 403 ")
    assert (tasks[0] is None) is bare
    assert tasks[1] is not None


async def test_layers_that_are_async_are_in_a_task() -> None:
    async def layer(request: Request) -> None:
        async with asyncio.timeout(DEADLINE):
            await asyncio.sleep(0)

    async with served(transformer=Bare) as primus:
        primus.before("mine", layer)
        assert (await asked(primus, closing(GET))).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_what_one_request_sets_in_its_context_the_next_does_not_see() -> None:
    user: ContextVar[str] = ContextVar("user", default="a guest")
    seen: list[str] = []

    async def answer(request: Request) -> Response:
        seen.append(user.get())
        user.set("a member")
        return Response(200)

    async with served(answer, transformer=Bare) as primus:
        await asked(primus, GET + closing(GET))
    assert seen == ["a guest", "a guest"]


@pytest.mark.parametrize("host", ["own", "aiohttp"])
async def test_a_body_that_has_come_with_its_head_is_there_at_once(host: str) -> None:
    seen: list[tuple[bool, bytes]] = []

    async def layer(request: Request) -> None:
        seen.append((request.is_whole, await request.read()))

    async with running(on=host, transformer=Answering) as server:
        server.primus.before("mine", layer)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for said in (GET, post(3) + b"abc"):
            writer.write(said)
            await reader.readuntil(END + b"plain")
        writer.close()
    assert seen == [(True, b""), (True, b"abc")]


async def test_requests_with_known_headers_are_looked_at_as_any_other() -> None:
    async def answer(request: Request) -> Response:
        return Response(200, request.path + request.query_string)

    targets = ("/primus/a", "/primus/a?b", "/primus//a", "/primus/a/../b", "/else", "/primus/a")
    said = b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % to.encode() for to in targets)
    async with served(answer) as primus:
        answers = await asked(primus, said + closing(GET))

    statuses = [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 200, 404, 404, 404, 200, 200]


async def test_layers_see_the_body_and_the_length_of_each_request() -> None:
    seen: list[tuple[str, bytes]] = []

    async def answer(request: Request) -> Response:
        seen.append((request.headers.get("Content-Length", ""), await request.read()))
        return Response(200)

    async with served(answer) as primus:
        await asked(primus, post(1) + b"a" + post(3) + b"abc" + post(3) + b"def" + closing(GET))

    assert seen[:3] == [("1", b"a"), ("3", b"abc"), ("3", b"def")]
