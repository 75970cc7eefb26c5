"""The Python client: `Socket` over this transformer's client half."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from primus.errors import (
    HandshakeError,
    OptionError,
    ParserError,
    TransportError,
    Unauthorized,
)
from primus.hookspecs import hookimpl
from primus.http import Request
from primus.pipeline import Packet
from primus.server.primus import Primus
from primus.server.spark import Spark
from primus_testing.clock import ManualClock
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.scripted import answer, scripted_server
from primus_testing.transformer.base import Contract, Serve, Sockets, echo

__all__ = ["ClientContract"]

OPENING, CLOSED, OPEN = 1, 2, 3


class ClientContract(Contract):
    """Sockets open, talk and close."""

    async def test_a_server_gives_the_class_of_its_clients(self, serve: Serve) -> None:
        server = await serve()
        assert isinstance(server.primus.Socket, type)

    async def test_a_socket_opens_by_itself(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()
        socket = sockets(server)
        seen = Recorder(socket, "open")
        await seen.next("open")
        assert socket.ready_state == OPEN
        assert len(server.primus) == 1

    async def test_a_socket_takes_a_literal_ipv6_address(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve(host="::1")
        seen = Recorder(sockets(server), "open")
        await seen.next("open")

    async def test_a_socket_that_opens_manually_waits_for_open(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        socket, other = sockets(server, manual=True), sockets(server)
        seen = Recorder(socket, "open", "outgoing::open")
        await Recorder(other, "open").next("open")
        assert seen.story == []
        assert socket.ready_state == CLOSED
        socket.open()
        await seen.next("open")

    async def test_a_dead_server_is_an_error_and_an_end_without_a_strategy(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        await server.stop()
        seen = Recorder(sockets(server, strategy=False), "error", "end", "open")
        await seen.next("error")
        await seen.next("end")
        assert seen.seen("open") == []

    async def test_ready_state_follows_the_connection(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()
        socket = sockets(server)
        states = [socket.ready_state]
        seen = Recorder(socket, "open", "end")
        socket.on("readyStateChange", lambda: states.append(socket.ready_state))
        socket.on("outgoing::open", lambda: states.append(("opening", socket.ready_state)))
        await seen.next("open")
        socket.end()
        await seen.next("end")
        assert states[0] == CLOSED
        assert ("opening", OPENING) in states
        assert [state for state in states[1:] if isinstance(state, int)] == [OPENING, OPEN, CLOSED]

    async def test_a_socket_can_be_opened_again(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()
        server.primus.on("connection", lambda spark: spark.end())
        socket = sockets(server)
        seen = Recorder(socket, "open", "end", "reconnect scheduled")
        await seen.next("end")
        socket.open()
        await seen.next("end")
        assert seen.story == ["open", "end", "open", "end"]

    async def test_a_socket_can_be_closed_before_it_is_open(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        socket = sockets(server)
        seen = Recorder(socket, "open", "end", "reconnect scheduled")
        socket.end()
        await seen.next("end")
        socket.open()
        socket.end()
        await seen.next("end")
        assert seen.story == ["end", "end"]
        await eventually(lambda: len(server.primus) == 0)

    async def test_a_close_by_the_client_emits_close_and_one_end(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        left = Recorder(server.primus, "disconnection")
        socket = sockets(server)
        seen = Recorder(socket, "open", "close", "end", "reconnect", "reconnect scheduled")
        await seen.next("open")
        for _ in range(6):
            socket.end()
        await seen.next("end")
        await left.next("disconnection")
        assert seen.story == ["open", "close", "end"]

    async def test_a_socket_that_ends_as_soon_as_it_is_open_is_closed(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        socket = sockets(server)
        seen = Recorder(socket, "open", "close", "end")
        socket.on("open", socket.end)
        await seen.next("end")
        async with asyncio.timeout(DEADLINE):
            await socket.wait_closed()
        assert seen.story == ["open", "close", "end"]

    async def test_a_socket_that_ends_while_it_opens_leaves_nothing_on_the_server(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        asked, allowed = asyncio.Event(), asyncio.Event()

        @server.primus.authorize
        async def authorize(request: Request) -> None:
            asked.set()
            await allowed.wait()

        socket = sockets(server)
        async with asyncio.timeout(DEADLINE):
            await asked.wait()
            socket.end()
            allowed.set()
            await socket.wait_closed()
            await sockets(server).id()
        await eventually(lambda: len(server.primus) == 1)

    async def test_a_socket_whose_listener_is_busy_is_closed_when_it_ends(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            for _ in range(400):
                spark.write("x" * 2000)

        socket = sockets(server)
        busy, free = asyncio.Event(), asyncio.Event()

        @socket.on("data")  # type: ignore[untyped-decorator]
        async def data(message: Any) -> None:
            busy.set()
            await free.wait()

        async with asyncio.timeout(DEADLINE):
            await busy.wait()  # and too much is there for more to be read
            socket.end()
            await socket.wait_closed()
        free.set()

    async def test_a_close_by_the_server_emits_close_and_end_and_no_reconnect(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        server.primus.on("connection", lambda spark: spark.end("bye"))
        seen = Recorder(sockets(server), "data", "close", "end", "reconnect scheduled")
        await seen.next("end")
        assert seen.story == ["data", "close", "end"]

    async def test_a_message_and_its_raw_frame_come_back(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        echo(server.primus)
        socket = sockets(server)
        seen = Recorder(socket, "open", "data")
        await seen.next("open")
        socket.write({"echo": "pongРУССКИЙ €\u2028"})
        message, raw = await seen.next("data")
        assert message == {"echo": "pongРУССКИЙ €\u2028"}
        assert raw == '{"echo":"pongРУССКИЙ €\\u2028"}'

    async def test_messages_are_buffered_until_the_socket_is_open(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        echo(server.primus)
        socket = sockets(server)
        seen = Recorder(socket, "data")
        for number in range(10):
            socket.write(number)
        assert [(await seen.next("data"))[0] for _ in range(10)] == list(range(10))

    async def test_a_message_that_cannot_be_encoded_raises_open_or_not(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        socket = sockets(server)
        seen = Recorder(socket, "open", "error")
        recursive: dict[str, Any] = {}
        recursive["recursive"] = recursive
        for _ in range(2):
            with pytest.raises(ParserError) as raised:
                socket.write(recursive)
            assert raised.value.path == 'data["recursive"]'
            await eventually(lambda: socket.ready_state == OPEN)
        assert seen.seen("error") == []
        assert socket.ready_state == OPEN

    async def test_a_frame_that_cannot_be_decoded_is_an_error_of_the_socket(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve(parser=Raw())
        server.primus.on("connection", lambda spark: spark.write("{nonsense"))
        factory = Primus.create_socket(transformer=self.transformer)
        socket = factory(server.url)
        seen = Recorder(socket, "error")
        assert isinstance(await seen.one("error"), ParserError)
        assert socket.ready_state == OPEN
        socket.destroy()

    async def test_a_socket_is_told_its_id(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = sockets(server)
        async with asyncio.timeout(DEADLINE):
            id = await socket.id()
        assert id == (await sparks.one("connection")).id

    async def test_the_query_of_the_url_reaches_the_spark(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        sockets(server, "/?foo=bar&x=%26")
        spark = await sparks.one("connection")
        assert spark.query["foo"] == "bar"
        assert spark.query["x"] == "&"

    async def test_an_odd_query_reaches_the_spark_as_it_was_meant(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        sockets(server, "/?next=/a?b=c&token=s3cret&a&&b=&c=1&c=2&d=%zz&e=x+y%20z%2B&f=ł;g#h?i=j")
        query = (await sparks.one("connection")).query
        assert {name: query[name] for name in ("next", "token", "a", "b", "c", "d", "e", "f")} == {
            "next": "/a?b=c",
            "token": "s3cret",
            "a": "",
            "b": "",
            "c": ["1", "2"],
            "d": "%zz",
            "e": "x y z+",
            "f": "ł;g",
        }

    @pytest.mark.parametrize(
        ("userinfo", "credentials"),
        [
            ("user:secret", b"user:secret"),
            ("user", b"user:"),
            ("u:a:b%3Ac", b"u:a:b:c"),
            ("u%40x:%2F%3f", b"u@x:/?"),
            ("u:%C5%82", "u:ł".encode()),
            ("Jürgen:päß ł€", "Jürgen:päß ł€".encode()),
            ("u:%FF", b"u:\xff"),
            ("u:50%:%zz%", b"u:50%:%zz%"),
            ("", b""),
        ],
    )
    async def test_credentials_of_the_url_are_told_as_utf_8(
        self, serve: Serve, sockets: Sockets, userinfo: str, credentials: bytes
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = server.primus.Socket(server.url.replace("://", f"://{userinfo}@"))
        spark = await sparks.one("connection")
        told = spark.headers.getall("Authorization", [])
        assert told == (["Basic " + b64encode(credentials).decode()] if credentials else [])
        socket.destroy()

    @pytest.mark.parametrize("name", ["Authorization", "authorization"])
    async def test_a_header_of_ones_own_goes_before_credentials_of_the_url(
        self, serve: Serve, name: str
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        url = server.url.replace("://", "://user:secret@")
        socket = server.primus.Socket(url, transport={"headers": {name: "Bearer token"}})
        spark = await sparks.one("connection")
        assert spark.headers.getall("Authorization") == ["Bearer token"]
        socket.destroy()

    async def test_headers_are_sent_as_utf_8(self, serve: Serve) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = server.primus.Socket(server.url, transport={"headers": {"X-Name": "Jürgen ł€"}})
        spark = await sparks.one("connection")
        raw = spark.headers["X-Name"].encode("utf-8", "surrogateescape")
        assert raw in {"Jürgen ł€".encode(), "Jürgen ł€".encode().decode("latin-1").encode()}
        socket.destroy()

    async def test_a_listener_may_change_the_url_before_it_is_used(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = sockets(server, manual=True)

        @socket.on("outgoing::url")  # type: ignore[untyped-decorator]
        def add(url: Any) -> None:
            url.query = "added=yes"

        socket.open()
        assert (await sparks.one("connection")).query["added"] == "yes"

    async def test_a_listener_may_change_the_pathname_before_it_is_used(self, serve: Serve) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        elsewhere = server.primus.create_socket(
            transformer=type(server.primus.transformer),
            parser=server.primus.parser,
            pathname="/elsewhere",
        )
        socket = elsewhere(server.url, manual=True, strategy=False)
        socket.on("outgoing::url", lambda url: setattr(url, "pathname", server.primus.pathname))

        socket.open()
        await sparks.one("connection")
        socket.destroy()

    async def test_no_control_message_reaches_the_user(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        sparks = Recorder(server.primus, "connection")
        seen = Recorder(sockets(server), "open", "data")
        spark = await sparks.one("connection")
        beats = Recorder(spark, "heartbeat", "data")
        await seen.next("open")
        manual_clock.advance(31)
        await beats.next("heartbeat")
        assert seen.seen("data") == []
        assert beats.seen("data") == []

    async def test_transforms_of_a_socket_rewrite_and_swallow(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        echo(server.primus)
        socket = sockets(server)
        seen = Recorder(socket, "data")

        @socket.transform("outgoing")  # type: ignore[untyped-decorator]
        async def out(packet: Packet, connection: Any) -> bool:
            await asyncio.sleep(0)
            packet.data = {"out": packet.data}
            return bool(packet.data["out"] != "secret")

        @socket.transform("incoming")  # type: ignore[untyped-decorator]
        def come(packet: Packet, connection: Any) -> bool:
            packet.data = {"in": packet.data}
            return bool(packet.data["in"] != {"out": "hidden"})

        for word in ("secret", "hidden", "foo"):
            socket.write(word)
        assert await seen.one("data") == {"in": {"out": "foo"}}

    async def test_a_socket_refuses_a_direction_that_does_not_exist(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        with pytest.raises(OptionError, match="cowsack"):
            sockets(server, manual=True).transform("cowsack", print)

    async def test_messages_can_be_iterated_over(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            for number in range(5):
                spark.write(number)
            spark.end()

        async with asyncio.timeout(DEADLINE):
            assert [message async for message in sockets(server)] == [0, 1, 2, 3, 4]

    async def test_a_class_made_without_a_server_connects_too(self, serve: Serve) -> None:
        server = await serve(pathname="/elsewhere")
        factory = Primus.create_socket(
            transformer=self.transformer, pathname="/elsewhere", plugin={"greets": Greets()}
        )
        socket: Any = factory(server.url)
        seen = Recorder(socket, "open")
        await seen.next("open")
        assert socket.greeting == "hello"
        assert socket.greet() == "hello"
        socket.destroy()

    async def test_a_refusal_is_an_error_with_its_status_headers_and_body(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> None:
            raise Unauthorized("I failed", authenticate='Basic realm="primus"')

        seen = Recorder(sockets(server, strategy=False), "error", "open", "end", "reconnect")
        error = await seen.one("error")
        await seen.next("end")
        assert isinstance(error, HandshakeError)
        assert error.status == 401
        assert b'{"error":"I failed"}' in error.body
        assert error.headers["WWW-Authenticate"] == 'Basic realm="primus"'
        assert seen.seen("open") == []

    async def test_a_server_that_goes_on_with_interim_answers_is_an_error(self) -> None:
        interim, absent = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, answer("", "404 Not Found")
        async with scripted_server(
            lambda asked: [absent if asked.target.endswith("/spec") else interim]
        ) as server:
            factory = Primus.create_socket(transformer=self.transformer, parser="json")
            socket = factory(server.url, strategy=False)
            error = await Recorder(socket, "error").one("error")
            socket.destroy()
        assert isinstance(error, TransportError)
        assert "103" in str(error) or "too many interim answers" in str(error)

    async def test_a_message_beyond_the_max_length_of_the_client_closes_its_connection(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        left = Recorder(server.primus, "disconnection")
        server.primus.on("connection", lambda spark: spark.write("x" * 2000))
        seen = Recorder(sockets(server, strategy=False, max_length=1000), "data", "end")
        await seen.next("end")
        await left.next("disconnection")
        assert seen.seen("data") == []


class Greets:
    """A plugin with a Python client half."""

    @hookimpl
    def primus_extend_socket(self) -> dict[str, object]:
        return {"greet": lambda socket: socket.greeting}

    @hookimpl
    def primus_socket(self, socket: Any) -> None:
        socket.greeting = "hello"


class Raw:
    """A parser that sends texts as they are."""

    def encode(self, value: Any) -> str:
        return str(value)

    def decode(self, frame: Any) -> Any:
        return frame
