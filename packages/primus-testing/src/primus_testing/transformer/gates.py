"""Which clients may connect: authorization, origins and proxies."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from primus.errors import HandshakeError, Unauthorized
from primus.http import Request
from primus_testing.recorder import eventually
from primus_testing.server import Running
from primus_testing.tracebacks import Tracebacks
from primus_testing.transformer.base import Contract, Serve, echo, meet, upgrade_status

__all__ = ["GatesContract"]

PREFLIGHT = {
    "Origin": "http://example.com",
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "X-One, X-Two",
}


class GatesContract(Contract):
    """The checks that a request passes before it is a connection."""

    async def test_a_refused_client_gets_401_and_the_reason_as_json(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> None:
            raise Unauthorized("I failed")

        answer = await server.get("/primus")
        assert answer.status == 401
        assert answer.json() == {"error": "I failed"}
        refusal = await refused(server)
        assert refusal.status == 401
        assert json.loads(refusal.body) == {"error": "I failed"}
        assert "www-authenticate" not in {name.lower() for name in refusal.headers}
        assert len(server.primus) == 0

    async def test_a_refusal_may_have_another_status(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.authorize
        async def authorize(request: Request) -> None:
            await asyncio.sleep(0)
            raise Unauthorized("not here", 404, authenticate="Basic")

        answer = await server.get("/primus")
        assert (answer.status, answer.json()) == (404, {"error": "not here"})
        assert "WWW-Authenticate" not in answer.headers
        assert (await refused(server)).status == 404

    async def test_a_refusal_may_ask_for_credentials(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> None:
            raise Unauthorized("no credentials", authenticate='Basic realm="primus"')

        answer = await server.get("/primus")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="primus"'
        refusal = await refused(server)
        assert refusal.status == 401
        headers = {name.lower(): value for name, value in refusal.headers.items()}
        assert headers["www-authenticate"] == 'Basic realm="primus"'

    async def test_a_reason_that_is_no_text_stays_what_it_is(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> None:
            raise Unauthorized({"code": 7, "text": "ü"})

        assert (await server.get("/primus")).json() == {"error": {"code": 7, "text": "ü"}}

    async def test_an_accepted_client_can_send_and_receive(self, serve: Serve) -> None:
        server = await serve()
        asked: list[Request] = []

        @server.primus.authorize
        async def authorize(request: Request) -> None:
            await asyncio.sleep(0)
            asked.append(request)

        echo(server.primus)
        met = await meet(server, "?token=abc")
        met.peer.send('"hello"')
        assert await met.peer.receive() == '"hello"'
        assert asked[-1].query["token"] == "abc"
        assert asked[-1].address.ip == "127.0.0.1"
        assert asked[-1].address.port > 0

    async def test_authorization_by_option_is_the_same(self, serve: Serve) -> None:
        def authorize(request: Request) -> None:
            raise Unauthorized("by option")

        server = await serve(authorization=authorize, origins="http://example.com")
        assert (await refused(server)).status == 401

    async def test_an_authorization_that_raises_anything_else_accepts_no_client(
        self, serve: Serve, tracebacks: Tracebacks
    ) -> None:
        tracebacks.expect("ZeroDivisionError")
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> None:
            raise ZeroDivisionError

        assert (await server.get("/primus")).status == 500
        assert (await refused(server)).status == 500

    async def test_spec_and_client_are_served_without_authorization(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> None:
            raise Unauthorized

        assert (await server.get("/primus/spec")).status == 200
        assert (await server.get("/primus/primus.js")).status == 200

    async def test_without_an_origin_no_cors_header_is_sent(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/spec")
        assert not [name for name in answer.headers if name.startswith("Access-Control")]

    async def test_an_origin_is_granted_access_by_default(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/spec", headers={"Origin": "http://example.com"})
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "http://example.com"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"

    async def test_a_preflight_is_answered_with_what_is_allowed(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus", "OPTIONS", headers=PREFLIGHT)
        assert (answer.status, answer.text) == (200, "")
        assert answer.headers["Access-Control-Max-Age"] == "2592000"
        assert answer.headers["Access-Control-Allow-Headers"] == "X-One, X-Two"
        allowed = answer.headers["Access-Control-Allow-Methods"].replace(" ", "")
        assert allowed == "GET,HEAD,PUT,POST,DELETE,OPTIONS"

    async def test_every_cors_option_shows(self, serve: Serve) -> None:
        server = await serve(
            origins="http://example.com, https://example.org",
            methods="GET,OPTIONS",
            credentials=False,
            max_age=60.0,
            headers="X-Mine",
            exposed="X-Yours",
        )
        answer = await server.get("/primus", "OPTIONS", headers=PREFLIGHT)
        assert answer.headers["Access-Control-Allow-Origin"] == "http://example.com"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Access-Control-Max-Age"] == "60"
        assert answer.headers["Access-Control-Allow-Headers"] == "X-Mine"
        assert answer.headers["Access-Control-Allow-Methods"].replace(" ", "") == "GET,OPTIONS"
        plain = await server.get("/primus/spec", headers={"Origin": "https://example.org"})
        assert plain.headers["Access-Control-Expose-Headers"] == "X-Yours"
        assert plain.headers["Access-Control-Allow-Origin"] == "https://example.org"

    async def test_a_method_that_is_not_listed_is_refused(self, serve: Serve) -> None:
        server = await serve(methods="GET")
        origin = {"Origin": "http://example.com"}
        assert (await server.get("/primus", "DELETE", headers=origin)).status == 403
        assert (await server.get("/primus/spec", headers=origin)).status == 200

    async def test_a_foreign_origin_is_refused(self, serve: Serve) -> None:
        server = await serve(origins="http://example.com")
        for origin in ("http://evil.example", "http://example.com.evil.example", "null", "junk"):
            answer = await server.get("/primus/spec", headers={"Origin": origin})
            assert answer.status == 403, origin
            assert "Access-Control-Allow-Origin" not in answer.headers

    async def test_upgrades_of_a_foreign_origin_are_refused(self, serve: Serve) -> None:
        server = await serve(origins="http://example.com")
        for origin, refuses in (("http://evil.example", True), ("http://example.com", False)):
            assert (await upgrade_status(server, {"Origin": origin}) == 403) is refuses

    async def test_a_proxy_that_is_trusted_tells_the_address(self, serve: Serve) -> None:
        server = await serve()
        for headers, address in (
            ({"X-Forwarded-For": "13.3.37.1"}, "13.3.37.1"),
            ({"X-Forwarded-For": "6.6.6.6, 13.3.37.1, 10.0.0.1"}, "13.3.37.1"),
            ({"X-Forwarded-For": "2001:db8::1"}, "2001:db8::1"),
            ({"Forwarded": 'for="[2001:db8::1]:4711";proto=https'}, "2001:db8::1"),
            ({"X-Forwarded-For": "not an address"}, "127.0.0.1"),
            ({}, "127.0.0.1"),
        ):
            assert await address_seen(server, headers) == address, headers

    async def test_a_proxy_that_is_not_trusted_is_not_believed(self, serve: Serve) -> None:
        server = await serve(trusted_proxies="192.0.2.0/24")
        assert await address_seen(server, {"X-Forwarded-For": "13.3.37.1"}) == "127.0.0.1"

    @pytest.mark.parametrize("how", ["awaited", "in a task of its own"])
    async def test_a_layer_can_end_the_server_that_waits_for_it(
        self, serve: Serve, how: str
    ) -> None:
        server = await serve()

        @server.primus.before("last")
        async def last(request: Request) -> None:
            ending = server.primus.destroy()
            await (ending if how == "awaited" else asyncio.create_task(ending))

        assert (await refused(server)).status == 503
        await server.primus.destroy()

    async def test_an_authorization_can_end_the_server_that_waits_for_it(
        self, serve: Serve
    ) -> None:
        server = await serve()

        @server.primus.authorize
        async def authorize(request: Request) -> None:
            await server.primus.destroy()

        assert (await refused(server)).status == 503
        await server.primus.destroy()

    async def test_a_full_server_refuses_before_it_authorizes(self, serve: Serve) -> None:
        server = await serve(max_sparks=1)
        asked: list[Request] = []
        server.primus.authorize(asked.append)
        echo(server.primus)
        met = await meet(server)

        for _ in range(3):
            assert (await refused(server, "?late=1")).status == 503

        assert not any("late" in request.query for request in asked)
        assert server.primus.connected == 1
        met.peer.send('"still here"')
        assert await met.peer.receive() == '"still here"'

        met.peer.close()
        await eventually(lambda: server.primus.connected == 0)
        await meet(server)
        assert server.primus.connected == 1

    async def test_clients_that_are_being_authorized_are_counted_as_well(
        self, serve: Serve
    ) -> None:
        server = await serve(max_sparks=2)
        deciding = asyncio.Event()

        @server.primus.authorize
        async def authorize(request: Request) -> None:
            await deciding.wait()

        peers = [asyncio.ensure_future(server.peer()) for _ in range(5)]
        await eventually(lambda: sum(peer.done() for peer in peers) == 3)
        deciding.set()
        answers = await asyncio.gather(*peers, return_exceptions=True)

        statuses = [error.status for error in answers if isinstance(error, HandshakeError)]
        assert statuses == [503, 503, 503]
        assert server.primus.connected == 2

    async def test_a_client_that_is_refused_otherwise_takes_no_place(self, serve: Serve) -> None:
        server = await serve(max_sparks=1)
        answers = [Unauthorized("not you"), Unauthorized("nor you"), None]

        @server.primus.authorize
        def authorize(request: Request) -> None:
            answer = answers.pop(0) if answers else None
            if answer is not None:
                raise answer

        assert (await refused(server)).status == 401
        assert (await refused(server)).status == 401
        await meet(server)
        assert server.primus.connected == 1


async def refused(server: Running, query: str = "") -> HandshakeError:
    """How a connection is refused."""
    with pytest.raises(HandshakeError) as caught:
        await server.peer(query)
    return caught.value


async def address_seen(server: Running, headers: dict[str, str]) -> str:
    """The address that a layer behind ``forwarded`` sees."""
    seen: list[Any] = []
    server.primus.before("watch", lambda request: seen.append(request.address))
    await server.get("/primus", headers=headers)
    return str(seen[-1].ip)
