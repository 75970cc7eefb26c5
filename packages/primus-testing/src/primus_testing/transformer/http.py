"""HTTP: what is answered below the pathname, and that the rest belongs to the application."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import json

import pytest

from primus.browser import Browser
from primus.errors import HandshakeError
from primus.hookspecs import hookimpl
from primus.http import Request
from primus.registry import transformer_named
from primus_testing.transformer.base import Contract, Serve, upgrade_status
from primus_testing.transformer.heads import answered

__all__ = ["HTTPContract"]


class HTTPContract(Contract):
    """Requests that are no connections."""

    async def test_the_application_answers_outside_of_the_pathname(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/original")
        assert (answer.status, answer.text) == (200, "original listener")

    async def test_websockets_of_the_application_go_on_working(self, serve: Serve) -> None:
        server = await serve()
        async with server.http.ws_connect(server.url + "/own") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "HELLO"
        assert len(server.primus) == 0

    async def test_an_unknown_path_is_not_found(self, serve: Serve) -> None:
        server = await serve()
        assert (await server.get("/primus.js.map.nowhere")).status in (400, 404, 426)
        assert (await server.get("/nowhere")).status == 404

    async def test_the_spec_tells_a_client_all_it_has_to_know(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/spec")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        name, _ = transformer_named(self.transformer)
        assert answer.json() == server.primus.spec
        assert answer.json() == {
            "version": server.primus.version,
            "pathname": "/primus",
            "parser": "json",
            "transformer": name,
            "timeout": 35000,
            "pingInterval": 30000,
            "plugins": [],
        }

    async def test_the_spec_says_false_for_what_is_disabled(self, serve: Serve) -> None:
        server = await serve(timeout=False, ping_interval=False, pathname="/other")
        spec = (await server.get("/other/spec")).json()
        assert spec["timeout"] is False
        assert spec["pingInterval"] is False
        assert spec["pathname"] == "/other"

    async def test_the_browser_client_is_served_as_a_script(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/primus.js")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.text == server.primus.library(minified=True)

    async def test_the_browser_client_is_served_as_a_module(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/primus.mjs")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.text == server.primus.library("esm", minified=True)

    async def test_the_browser_client_is_sent_once_and_compressed(self, serve: Serve) -> None:
        server = await serve()
        text = server.primus.library(minified=True)
        plain = {"Accept-Encoding": "gzip;q=0, identity"}
        for headers, coding in ((plain, None), ({"Accept-Encoding": "gzip"}, "gzip")):
            first = await server.get("/primus/primus.js", headers=headers)
            assert (first.status, first.text) == (200, text)
            assert first.headers.get("Content-Encoding") == coding
            assert first.headers["Vary"] == "Origin, Accept-Encoding"
            assert first.headers["Cache-Control"] == "no-cache"
            head = await server.get("/primus/primus.js", "HEAD", headers=headers)
            assert (head.status, head.text) == (200, "")
            for name in ("ETag", "Content-Length", "Content-Encoding"):
                assert head.headers.get(name) == first.headers.get(name)
            tag = first.headers["ETag"]
            again = await server.get("/primus/primus.js", headers={**headers, "If-None-Match": tag})
            assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
            assert again.headers.get("Content-Length") is None

    async def test_the_hashed_url_of_the_browser_client_may_be_kept_for_ever(
        self, serve: Serve
    ) -> None:
        server = await serve()
        answer = await server.get(server.primus.library_url())
        assert (answer.status, answer.text) == (200, server.primus.library(minified=True))
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        old = await answered(server, server.primus.library_url(), version="1.0")
        assert old == 200

    async def test_the_declarations_of_the_browser_client_are_served(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/primus.d.ts")
        assert answer.status == 200
        assert answer.text == server.primus.declarations()
        module = await server.get("/primus/primus.d.mts")
        assert module.text == server.primus.declarations("esm")

    async def test_the_browser_client_has_the_browser_halves_of_plugins(self, serve: Serve) -> None:
        server = await serve()
        assert "a mark to be found" not in (await server.get("/primus/primus.js")).text
        server.primus.use("marked", Marked())
        assert "a mark to be found" in (await server.get("/primus/primus.js")).text
        assert "a mark to be found" in (await server.get("/primus/primus.mjs")).text

    async def test_a_query_string_does_not_change_what_is_served(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/primus.js?v=1")
        assert answer.text == server.primus.library(minified=True)

    async def test_head_is_answered_without_a_body(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus/spec", "HEAD")
        assert (answer.status, answer.text) == (200, "")

    async def test_what_a_transport_answers_is_not_to_be_cached(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.get("/primus")
        assert answer.headers["Cache-Control"] == ("no-store, no-cache, must-revalidate, max-age=0")
        assert answer.headers["Pragma"] == "no-cache"

    async def test_internet_explorer_is_told_to_leave_scripts_alone(self, serve: Serve) -> None:
        server = await serve()
        old = {"User-Agent": "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko"}
        assert (await server.get("/primus", headers=old)).headers["X-XSS-Protection"] == "0"
        assert "X-XSS-Protection" not in (await server.get("/primus")).headers

    async def test_layers_run_in_order_for_requests_and_upgrades(self, serve: Serve) -> None:
        server = await serve()
        names = [layer.name for layer in server.primus.layers]
        assert names == [
            "forwarded",
            "cors",
            "primus.js",
            "spec",
            "x-xss",
            "no-cache",
            "authorization",
        ]
        seen: list[str] = []
        add = server.primus.before
        add("both", lambda request: seen.append("both"))
        add("http", lambda request: seen.append("http"), upgrade=False)
        add("upgrade", lambda request: seen.append("upgrade"), http=False)
        add("first", lambda request: seen.append("first"), index=0)
        await server.get("/primus")
        assert seen == ["first", "both", "http"]
        seen.clear()
        await upgrade_status(server)
        assert seen == ["first", "both", "upgrade"]

    async def test_a_layer_can_be_disabled_enabled_replaced_and_removed(self, serve: Serve) -> None:
        server = await serve()
        primus = server.primus
        seen: list[str] = []
        primus.before("mine", lambda request: seen.append("mine"))
        assert primus.disable("mine")
        await server.get("/primus")
        assert seen == []
        assert primus.enable("mine")
        await server.get("/primus")
        assert seen == ["mine"]
        primus.before("mine", lambda request: seen.append("other"))
        await server.get("/primus")
        assert seen == ["mine", "other"]
        assert primus.remove("mine")
        await server.get("/primus")
        assert seen == ["mine", "other"]
        assert not primus.remove("mine")
        assert not primus.disable("mine")
        assert not primus.enable("mine")

    async def test_a_built_in_layer_is_removed_like_any_other(self, serve: Serve) -> None:
        server = await serve()
        assert server.primus.remove("spec")
        answer = await server.get("/primus/spec")
        assert "pingInterval" not in answer.text

    async def test_a_layer_that_raises_is_an_error_500_and_makes_no_connection(
        self, serve: Serve, tracebacks: object
    ) -> None:
        tracebacks.expect("foo failed")  # type: ignore[attr-defined]
        server = await serve()

        @server.primus.before("foo")
        def foo(request: Request) -> None:
            raise ZeroDivisionError("foo failed")

        answer = await server.get("/primus")
        assert answer.status == 500
        assert answer.json() == {"error": "Internal Server Error"}
        with pytest.raises(HandshakeError) as refused:
            await server.peer()
        assert refused.value.status == 500
        assert json.loads(refused.value.body) == {"error": "Internal Server Error"}
        assert len(server.primus) == 0

    async def test_request_bodies_reach_a_layer(self, serve: Serve) -> None:
        server = await serve()
        bodies: list[bytes] = []

        @server.primus.before("reads")
        async def reads(request: Request) -> None:
            bodies.append(await request.read())

        await server.get("/primus", "POST", data=b"x" * 300_000)
        assert bodies == [b"x" * 300_000]


class Marked:
    """A plugin whose browser half can be told from others."""

    @hookimpl
    def primus_browser(self) -> Browser:
        return Browser(client="export default function () { 'a mark to be found'; }\n")
