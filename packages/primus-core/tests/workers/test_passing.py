"""Requests that come to a worker whose session lives in another one."""

import array
import asyncio
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from primus.workers.notes import REQUEST, note
from primus_testing import Tracebacks, eventually
from primus_testing.tls import certificates

UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Client:
    """One connection, on which HTTP is spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def address(self) -> Any:
        return self.writer.get_extra_info("sockname")

    def send(self, path: str, body: bytes = b"", more: bytes = b"", *, length: int = -1) -> None:
        size = len(body) if length < 0 else length
        head = f"POST /primus/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n".encode()
        self.writer.write(head + more + b"\r\n" + body)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body."""
        async with asyncio.timeout(30):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            return int(head.split()[1]), await self.reader.readexactly(length)

    async def ask(self, path: str, body: bytes = b"", more: bytes = b"") -> tuple[int, bytes]:
        self.send(path, body, more)
        return await self.answer()


@asynccontextmanager
async def connected(worker: Any, **options: Any) -> AsyncIterator[Client]:
    """A client of a worker."""
    host = "localhost" if options else "127.0.0.1"
    client = Client(
        *await asyncio.open_connection(host, worker.primus.port, limit=1 << 20, **options)
    )
    try:
        yield client
    finally:
        client.writer.close()


async def opened(worker: Any) -> str:
    """A session of a worker."""
    async with connected(worker) as client:
        status, sid = await client.ask("open")
    assert status == 200
    return sid.decode()


# -- connections that are handed over


async def test_a_first_request_is_handed_over_with_its_connection(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with connected(here) as client:
        answer = await client.ask(f"say?sid={sid}", b"hello", b"X-Word: hi\r\n")
        again = await client.ask(f"say?sid={sid}", b"again")

    assert sid.startswith("w1-")
    assert answer == (200, b"w1 127.0.0.1 False hi hello")
    assert again == (200, b"w1 127.0.0.1 False None again")


async def test_what_comes_after_the_hand_over_reaches_the_same_request(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with connected(here) as client:
        client.send(f"say?sid={sid}", b"begun, ", length=7 + 300_000)
        await client.writer.drain()
        client.writer.write(b"x" * 300_000)
        status, body = await client.answer()

    assert status == 200
    assert body == b"w1 127.0.0.1 False None begun, " + b"x" * 300_000


async def test_a_body_that_comes_along_is_handed_over_whole(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with connected(here) as client:
        status, body = await client.ask(f"say?sid={sid}", b"x" * 500_000)

    assert (status, len(body)) == (200, len(b"w1 127.0.0.1 False None ") + 500_000)


async def test_an_upgrade_is_handed_over_with_what_follows_it(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with connected(here) as client:
        head = f"GET /primus/ws?sid={sid} HTTP/1.1\r\nHost: x\r\n".encode()
        client.writer.write(head + UPGRADE + b"\r\nearly")
        await client.reader.readuntil(b"\r\n\r\n")
        assert await client.reader.readexactly(8) == b"w1:early"
        client.writer.write(b"late")
        assert await client.reader.readexactly(7) == b"w1:late"


@pytest.mark.parametrize(
    ("sid", "refused_by"), [("w1-unknown", "w1"), ("w9-unknown", "w0"), ("unknown", "w0")]
)
async def test_a_session_that_is_nowhere_is_unknown(pair: Any, sid: str, refused_by: str) -> None:
    async with connected(pair.workers[0]) as client:
        status, body = await client.ask(f"say?sid={sid}")

    assert (status, body) == (400, f'{{"error":"unknown at {refused_by}"}}'.encode())


async def test_a_request_for_the_application_stays(pair: Any) -> None:
    async with connected(pair.workers[0]) as client:
        client.writer.write(b"GET /elsewhere?sid=w1-known HTTP/1.1\r\nHost: x\r\n\r\n")
        status, _ = await client.answer()

    assert status == 404


async def test_nothing_goes_in_circles(pair: Any) -> None:
    here, there = pair.workers
    (pair.folder / "ghost").symlink_to(pair.folder / "w1")
    pair.introduce(("w0", 0, True), ("w1", 1, True), ("ghost", 0, True))

    async with connected(here) as client:
        status, body = await client.ask("say?sid=ghost-unknown")

    assert (status, body) == (400, b'{"error":"unknown at w1"}')
    assert not here.elsewhere._relayed
    assert not there.elsewhere._relayed


async def test_the_client_of_a_dead_worker_is_told_at_once(pair: Any) -> None:
    pair.introduce(("w0", 0, True), ("w1", 1, True), ("dead", 0, True))
    here = pair.workers[0]
    own = await opened(here)

    async with connected(here) as client:
        first = await client.ask("say?sid=dead-1")
    async with connected(here) as client:
        await client.ask(f"say?sid={own}")
        second = await client.ask("say?sid=dead-1")

    told = b'{"error":"the worker of this session does not answer"}'
    assert first == (503, told)
    assert second == (503, told)


async def test_a_worker_that_takes_nothing_costs_no_more_than_its_queue(pair: Any) -> None:
    here = pair.workers[0]
    pair.introduce(("w0", 0, True), ("frozen", 1, True))
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(pair.folder / "frozen"))
        frozen.listen(0)

        async with connected(here) as first, connected(here) as second:
            first.send("say?sid=frozen-1")
            await eventually(lambda: _waits(frozen))
            status, _ = await second.ask("say?sid=frozen-1")

    assert status == 503


def _waits(listener: socket.socket) -> bool:
    """Whether a connection waits to be accepted."""
    import select

    return bool(select.select([listener], [], [], 0)[0])


async def test_a_worker_without_descriptors_keeps_the_connection(
    pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = pair.workers
    sid = await opened(there)

    def none_left(descriptor: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "dup", none_left)
    async with connected(here) as client:
        assert await client.ask(f"say?sid={sid}", b"hello") == (
            200,
            b"w1 127.0.0.1 False None hello",
        )


# -- requests that are passed on


@asynccontextmanager
async def kept(worker: Any) -> AsyncIterator[Client]:
    """A client whose connection is the worker's, since its first request was."""
    sid = await opened(worker)
    async with connected(worker) as client:
        await client.ask(f"say?sid={sid}")
        yield client


async def test_a_later_request_on_the_same_connection_is_passed_on(pair: Any) -> None:
    here, there = pair.workers
    sid, own = await opened(there), await opened(here)

    async with kept(here) as client:
        assert await client.ask(f"say?sid={sid}", b"far", b"X-Word: hi\r\n") == (
            200,
            b"w1 127.0.0.1 False hi far",
        )
        assert await client.ask(f"say?sid={own}", b"near") == (
            200,
            b"w0 127.0.0.1 False None near",
        )
        status, body = await client.ask(f"say?sid={sid}", b"x" * 500_000)
        assert (status, body[-10:]) == (200, b"x" * 10)
        assert await client.ask("say?sid=w1-unknown") == (400, b'{"error":"unknown at w1"}')

    await eventually(lambda: not here.elsewhere._relayed)


async def test_a_body_that_comes_behind_its_answer_does_not_take_it_away(pair: Any) -> None:
    there = pair.workers[1]
    sid = await opened(there)
    told = {
        "method": "POST",
        "target": f"/primus/deaf?sid={sid}",
        "headers": [],
        "address": ["127.0.0.1", 1],
        "secure": False,
        "upgrade": False,
        "is_sure": True,
    }
    reader, writer = await asyncio.open_unix_connection(str(pair.folder / "w1"))

    writer.write(note(REQUEST, told))
    await reader.readuntil(b"has not read it")
    for _ in range(20):
        await asyncio.sleep(0)

    assert not reader.at_eof()
    writer.close()


async def test_an_answer_that_streams_is_passed_on_as_it_comes(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with kept(here) as client:
        client.send(f"stream?sid={sid}")
        async with asyncio.timeout(30):
            await client.reader.readuntil(b"first")
            await client.reader.readuntil(b"last\r\n0\r\n\r\n")
        assert (await client.ask(f"say?sid={sid}", b"after"))[0] == 200


async def test_an_answer_that_breaks_off_does_so_for_the_client_too(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with kept(here) as client:
        client.send(f"stream?sid={sid}&cut=1")
        async with asyncio.timeout(30):
            rest = await client.reader.read()

    assert not rest.endswith(b"0\r\n\r\n")


async def test_the_worker_of_a_session_sees_its_client_leave(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with kept(here) as client:
        client.send(f"long?sid={sid}")
        await eventually(lambda: len(here.elsewhere._relayed) == 1)
    async with asyncio.timeout(30):
        await there.parlour.gone.wait()

    await eventually(lambda: not here.elsewhere._relayed)


async def test_a_client_that_leaves_a_stream_ends_it(pair: Any) -> None:
    here, there = pair.workers
    sid = await opened(there)

    async with kept(here) as client:
        client.send(f"stream?sid={sid}&endless=1")
        await client.reader.readuntil(b"first")
        client.writer.transport.abort()
        async with asyncio.timeout(30):
            await there.parlour.gone.wait()

    await eventually(lambda: not here.elsewhere._relayed)


async def test_no_more_requests_are_passed_on_than_the_limit(pair: Any) -> None:
    here, there = pair.workers
    here.primus.limits = replace(here.primus.limits, relayed_requests=1)
    sid = await opened(there)

    async with kept(here) as one, kept(here) as two:
        one.send(f"long?sid={sid}")
        await eventually(lambda: len(here.elsewhere._relayed) == 1)
        status, body = await two.ask(f"say?sid={sid}")
        there.parlour.gone.set()
        assert (await one.answer())[0] == 200
        await eventually(lambda: not here.elsewhere._relayed)
        again, _ = await two.ask(f"say?sid={sid}")

    assert (status, again) == (503, 200)
    assert b"too many requests" in body


async def test_over_tls_everything_is_passed_on(tmp_path: Path, pair: Any) -> None:
    server_side, client_side = certificates()
    here = await pair.add("w2", ssl_context=server_side)
    pair.introduce()
    there = pair.workers[1]
    sid = await opened(there)

    async with connected(here, ssl=client_side) as client:
        status, body = await client.ask(f"say?sid={sid}", b"secret")
    async with connected(here, ssl=client_side) as client:
        head = f"GET /primus/ws?sid={sid} HTTP/1.1\r\nHost: x\r\n".encode()
        client.writer.write(head + UPGRADE + b"\r\nearly")
        await client.reader.readuntil(b"\r\n\r\n")
        assert await client.reader.readexactly(8) == b"w1:early"
        client.writer.write(b"x" * 300_000)
        async with asyncio.timeout(30):
            passed = 0
            while passed < 300_000:
                passed += (await client.reader.read(65536)).count(b"x")

    assert (status, body) == (200, b"w1 127.0.0.1 True None secret")
    await eventually(lambda: not here.elsewhere._relayed)


async def test_a_refused_upgrade_is_passed_on(pair: Any) -> None:
    server_side, client_side = certificates()
    here = await pair.add("w2", ssl_context=server_side)
    pair.introduce()

    async with connected(here, ssl=client_side) as client:
        head = b"GET /primus/ws?sid=w1-unknown HTTP/1.1\r\nHost: x\r\n"
        client.writer.write(head + UPGRADE + b"\r\n")
        status, body = await client.answer()

    assert (status, body) == (400, b'{"error":"unknown at w1"}')


# -- a worker that is replaced


async def test_a_client_that_comes_too_late_is_handed_to_the_successor(pair: Any) -> None:
    here = pair.workers[0]
    pair.introduce(("w0", 1, False), ("w1", 1, True))
    here.elsewhere.whereabouts._place = replace(here.place, slot=1)
    here.primus.draining = True

    async with connected(here) as client:
        status, sid = await client.ask("open")

    assert status == 200
    assert sid.startswith(b"w1-")


# -- the hatch


async def test_a_connection_whose_last_answer_is_not_taken_stays(pair: Any) -> None:
    here = pair.workers[0]
    ours, its = socket.socketpair()
    ours.setblocking(False)
    answer = b"x" * 10_000_000
    with its:
        _, writer = await asyncio.open_unix_connection(sock=ours)
        writer.write(answer)

        pair.introduce(("w0", 0, False), ("w1", 0, True))
        handed = here.elsewhere.give(writer.transport, b"")
        writer.close()
        its.setblocking(False)
        received = 0
        async with asyncio.timeout(30):
            while part := await asyncio.get_running_loop().sock_recv(its, 1 << 20):
                received += len(part)

    assert not handed
    assert received == len(answer)


async def test_a_hatch_is_this_user_s_alone(pair: Any) -> None:
    mode = (pair.folder / "w1").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the system does not tell")
async def test_another_user_is_refused(
    pair: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = pair.workers
    sid = await opened(there)
    monkeypatch.setattr(os, "geteuid", lambda: -2)

    async with kept(here) as client:
        status, _ = await client.ask(f"say?sid={sid}")

    assert status == 503
    assert "another user has tried to connect" in caplog.text


async def garbage(path: str, data: bytes, descriptors: tuple[int, ...] = ()) -> bytes:
    """What a hatch answers to."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as channel:
        channel.setblocking(False)
        channel.connect(path)
        passed: Any = array.array("i", descriptors)
        channel.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
        channel.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(30):
            try:
                return await loop.sock_recv(channel, 1024)
            except ConnectionResetError:
                return b""


@pytest.mark.parametrize(
    "data",
    [
        b"?",
        b"C",
        b"Cno json\n",
        b"C[]\nGET",
        b"R",
        b"Rno json\n",
        b"R{}\n",
        b'R{"method":1,"upgrade":false,"address":3}\n',
    ],
)
async def test_garbage_costs_a_hatch_nothing(
    pair: Any, data: bytes, tracebacks: Tracebacks
) -> None:
    here, there = pair.workers
    sid = await opened(there)

    assert await garbage(str(pair.folder / "w1"), data) == b""

    async with connected(here) as client:
        assert (await client.ask(f"say?sid={sid}"))[0] == 200


async def test_a_client_whose_worker_understands_nothing_is_told(pair: Any) -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        await garbage(str(pair.folder / "w1"), b"Cno json\nGET", (theirs.fileno(),))
        theirs.close()
        ours.setblocking(False)
        async with asyncio.timeout(30):
            told = await asyncio.get_running_loop().sock_recv(ours, 4096)

    assert told.startswith(b"HTTP/1.1 503 ")


async def test_what_another_worker_has_read_is_bounded(
    pair: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "primus.server")
    theirs, ours = socket.socketpair()
    loop = asyncio.get_running_loop()
    with theirs, ours, socket.socket(socket.AF_UNIX) as channel:
        channel.setblocking(False)
        channel.connect(str(pair.folder / "w1"))
        passed: Any = array.array("i", [theirs.fileno()])
        channel.sendmsg([b"C{}\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(loop.sock_sendall(channel, b"x" * (1 << 22)), 30)

    assert "another worker has read too much" in caplog.text
