"""Heads of requests as peers and proxies write them: every host reads them in one way."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from primus.http import Request
from primus_testing.recorder import DEADLINE, eventually
from primus_testing.server import Running
from primus_testing.transformer.base import Contract, Serve

__all__ = ["HeadsContract"]

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
ORIGIN = "http://example.com"


class HeadsContract(Contract):
    """What is read the same way on every host, or refused."""

    async def test_an_upgrade_in_http_1_0_is_ignored(self, serve: Serve) -> None:
        server = await serve()
        status = await answered(server, "/primus", UPGRADE, version="1.0")
        # uvicorn makes an upgrade of it before it asks us, and calls that HTTP/1.1.
        assert status != 101 or self.is_asgi

    @pytest.mark.parametrize("upgrade", ["", UPGRADE], ids=["plain", "upgrade"])
    async def test_two_origins_are_refused_whichever_is_listed(
        self, serve: Serve, upgrade: str
    ) -> None:
        server = await serve(origins=ORIGIN)
        one, other = f"Origin: {ORIGIN}\r\n", "Origin: http://evil.example\r\n"
        for pair in (one + other, other + one, one + one):
            status = await answered(server, "/primus", pair + upgrade)
            assert status == 400 if not upgrade else status in (400, 403), pair
        assert len(server.primus) == 0

    async def test_a_target_in_absolute_form_is_that_path(self, serve: Serve) -> None:
        server = await serve()
        seen: list[Request] = []
        server.primus.before("watch", seen.append, index=0)
        assert await answered(server, f"{server.url}/primus/spec?a=b") == 200
        assert await answered(server, "http://other.example/primus/spec?a=b") == 200
        assert {(request.path, request.query["a"]) for request in seen} == {("/primus/spec", "b")}
        assert len(seen) == 2

    @pytest.mark.parametrize(
        "path",
        [
            "/primus//spec",
            "/primus/./spec",
            "/primus/x/../spec",
            "/primus/x/%2e%2e/spec",
            "/primus%2fspec",
            "/primus/%73pec",
            "/primus/spec;x",
            "/%70rimus/spec",
        ],
    )
    async def test_a_path_has_one_spelling(self, serve: Serve, path: str) -> None:
        server = await serve()
        assert await answered(server, path) == 404

    async def test_a_head_that_is_too_long_is_refused(self, serve: Serve) -> None:
        server = await serve()
        filler = "".join(f"X-{number}: {'x' * 4000}\r\n" for number in range(5))
        assert await answered(server, "/primus/spec", filler[:12_000] + "\r\n") == 200
        assert await answered(server, "/primus/spec", filler) == 431
        assert await answered(server, "/primus", filler + UPGRADE) in (400, 403, 431)
        assert len(server.primus) == 0

    async def test_odd_cookies_take_no_others_along(self, serve: Serve) -> None:
        server = await serve()
        seen: list[Mapping[str, str]] = []
        server.primus.before("watch", lambda request: seen.append(request.cookies))
        odd = 'flag; prefs[theme]=dark; cart={"n":1}; seen=two words; name=Jürgen; q="open'
        await answered(server, "/primus", f"Cookie: {odd}; session=s3cret\r\n")
        assert seen[0] == {
            "prefs[theme]": "dark",
            "cart": '{"n":1}',
            "seen": "two words",
            "name": "Jürgen",
            "q": '"open',
            "session": "s3cret",
        }

    async def test_a_request_keeps_nothing_of_its_server_once_it_is_answered(
        self, serve: Serve
    ) -> None:
        server = await serve()
        seen: list[Request] = []
        server.primus.before("watch", seen.append)
        for method in ("GET", "POST"):
            await server.get("/primus?a=b", method, headers={"X-One": "1"})
        assert len(seen) == 2
        await eventually(lambda: all(request._drop is None for request in seen))
        for request in seen:
            assert (request.native is None) is not self.is_asgi
            assert (request.query, request.headers["X-One"]) == ({"a": "b"}, "1")
            assert request.address.ip == "127.0.0.1"
            assert await request.read() == b""

    async def test_every_answer_depends_on_the_origin(self, serve: Serve) -> None:
        for origins in ("*", ORIGIN):
            server = await serve(origins=origins)
            for path in ("/primus/spec", "/primus/primus.js", "/primus"):
                for headers in ({}, {"Origin": ORIGIN}, {"Origin": "evil"}):
                    answer = await server.get(path, headers=headers)
                    assert answer.headers["Vary"].split(", ")[0] == "Origin", (path, headers)


async def answered(server: Running, target: str, headers: str = "", *, version: str = "1.1") -> int:
    """The status of the answer to a head that is written by hand."""
    head = f"GET {target} HTTP/{version}\r\nHost: {server.host}\r\n{headers}\r\n"
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head.encode())
        line = await reader.readline()
        writer.transport.abort()
    return int(line.split(b" ")[1])
