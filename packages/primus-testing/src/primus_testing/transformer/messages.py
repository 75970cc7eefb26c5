"""Messages: what arrives is what was sent, and nothing that is sent does harm."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from primus.errors import ControlTextError, ListenerError, OptionError, ParserError
from primus.parsers.json import JSONParser
from primus.registry import transformer_named
from primus.server.spark import Spark
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.tracebacks import Tracebacks
from primus_testing.transformer.base import Contract, Serve, Sockets, echo, meet
from primus_testing.transformer.client import Raw
from primus_testing.words import Words

__all__ = ["MessagesContract"]

VALUES: tuple[Any, ...] = (
    "pongРУССКИЙ",
    "€€€",
    "\U0001f600 \u2028 \u2029 \x00 \x7f \\ \" '",
    "",
    0,
    -1.5,
    True,
    False,
    None,
    [],
    {},
    {"nested": [{"deep": [None, {"er": ""}]}]},
    "x" * 300_000,
)


CONTROL: tuple[str, ...] = ("primus::server::close", "primus::id::fake", "primus::")

WORDS: tuple[str, ...] = (
    # packets of engine.io, payloads of them, and its probe
    *("0{}", "1", "2", "2probe", "3probe", "4x", "5", "6", "b4AQI=", "1:1", "\x1e1", "\x1e4forged"),
    # frames of SockJS
    *("o", "h", 'a["forged"]', 'm"forged"', 'c[3000,"forged"]', '[\\"forged\\"]'),
    # what ends a chunk, an event or a script, in which frames leave
    *("\r\n0\r\n\r\n", "\n\ndata: forged\n\n", "</script><script>x()", "%0A%00", "___eio[0]()"),
)
"""Text that has a meaning to some wire, unless it is within a message."""


class MessagesContract(Contract):
    """Frames go both ways."""

    async def test_what_is_sent_comes_back_from_an_echo(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        peer = await server.peer()
        for value in VALUES:
            peer.send(json.dumps(value))
        for value in VALUES:
            assert json.loads(await peer.receive()) == value

    async def test_a_listener_gets_the_message_and_its_raw_frame(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.peer.send('{ "echo": "pong" }')
        assert await met.events.next("data") == ({"echo": "pong"}, '{ "echo": "pong" }')

    async def test_line_separators_leave_as_escapes(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.write("a\u2028b\u2029c")
        assert await met.peer.receive() == '"a\\u2028b\\u2029c"'

    async def test_a_zero_can_be_written_and_be_the_last_message(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.write(0)
        met.spark.end(0)
        assert await met.peer.gone() == ["0", "0", '"primus::server::close"']

    async def test_messages_arrive_in_the_order_of_their_sending(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        peer = await server.peer()
        peer.send(*map(str, range(1000)))
        assert [await peer.receive() for _ in range(1000)] == [str(n) for n in range(1000)]

    async def test_many_connections_do_not_mix_up_their_messages(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        peers = await asyncio.gather(*(server.peer() for _ in range(20)))
        for number, peer in enumerate(peers):
            peer.send(*(f'"{number}/{n}"' for n in range(20)))
        for number, peer in enumerate(peers):
            received = [await peer.receive() for _ in range(20)]
            assert received == [f'"{number}/{n}"' for n in range(20)]

    async def test_no_control_message_reaches_a_data_listener(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        for text in ("ping::1", "pong::1", "id::", "id::x", "server::close", "", "new::thing"):
            met.peer.send(f'"primus::{text}"')
        assert await met.peer.receive() == '"primus::pong::1"'
        await met.peer.receive()
        await met.peer.receive()
        await met.peer.id()
        assert met.events.seen("data") == []
        assert len(server.primus) == 1

    async def test_control_messages_of_a_plugin_go_both_ways_in_their_place(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        words = Words()
        server = await serve(plugin={"words": words})
        sparks = Recorder(server.primus, "connection")
        socket = sockets(server)
        data = Recorder(socket, "data")
        await socket.opened()
        spark = await sparks.one("connection")
        for end in (socket, spark):
            end.write(1)
            end.send_control("word", "a::b \u2028")
            end.write(2)
        told = [1, ("word", "a::b \u2028"), 2]
        await eventually(lambda: words.heard_by_socket == told and words.heard == told)
        assert [message for message, _ in data.seen("data")] == [1, 2]

    async def test_text_that_peers_would_obey_is_refused_and_wrapped_it_is_data(
        self, serve: Serve
    ) -> None:
        server = await serve()
        one, two = await meet(server), await meet(server)
        for text in CONTROL:
            for write in (one.spark.write, one.spark.end, server.primus.write):
                with pytest.raises(ControlTextError):
                    write(text)
            server.primus.write({"text": text})
        for met in (one, two):
            for text in CONTROL:
                assert json.loads(await met.peer.receive()) == {"text": text}
        assert len(server.primus) == 2

    async def test_text_that_means_something_to_a_wire_is_data_within_a_message(
        self, serve: Serve
    ) -> None:
        server = await serve()
        echo(server.primus)
        peer = await server.peer()
        for word in WORDS:
            peer.send(json.dumps(word))
        for word in WORDS:
            assert json.loads(await peer.receive()) == word
        server.primus.write(list(WORDS))
        assert json.loads(await peer.receive()) == list(WORDS)
        assert len(server.primus) == 1

    async def test_a_frame_that_cannot_be_decoded_is_an_error_of_its_connection_only(
        self, serve: Serve
    ) -> None:
        server = await serve()
        echo(server.primus)
        met, other = await meet(server), await meet(server)
        met.peer.send("{nonsense", '"next"')
        error = await met.events.one("error")
        assert isinstance(error, ParserError)
        assert error.frame == "{nonsense"
        assert await met.peer.receive() == '"next"'
        other.peer.send('"fine"')
        assert await other.peer.receive() == '"fine"'
        assert other.events.seen("error") == []

    async def test_a_decoding_error_without_an_error_listener_does_no_harm(
        self, serve: Serve
    ) -> None:
        server = await serve()
        peer = await server.peer()
        peer.send("", "[", "NaN", "\ufeff", "\x00")
        assert await peer.id()

    async def test_a_message_as_deep_as_can_be_read_reaches_all_with_its_sender(
        self, serve: Serve
    ) -> None:
        server = await serve()
        deepest = server.primus.limits.max_depth
        met, other = await meet(server), await meet(server)
        met.spark.on("data", lambda data: server.primus.write({"from": "a", "message": data}))
        met.peer.send("[" * (deepest + 1) + "]" * (deepest + 1))
        assert isinstance(await met.events.one("error"), ParserError)
        frame = "[" * deepest + "1" + "]" * deepest
        met.peer.send(frame)
        for one in (met, other):
            assert await one.peer.receive() == f'{{"from":"a","message":{frame}}}'
        assert other.events.seen("error") == []

    async def test_data_that_cannot_be_encoded_raises_and_is_not_sent(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        recursive: dict[str, Any] = {"foo": "bar"}
        recursive["recursive"] = recursive
        for write in (met.spark.write, server.primus.write):
            for value, path in (
                (recursive, 'data["recursive"]'),
                (object(), "data"),
                ([{"price": 1j}], 'data[0]["price"]'),
            ):
                with pytest.raises(ParserError) as raised:
                    write(value)
                assert raised.value.path == path
        met.spark.write("after")
        assert await met.peer.receive() == '"after"'
        assert met.events.seen("error") == []

    async def test_a_listener_that_raises_is_logged_and_touches_nothing_else(
        self, serve: Serve, tracebacks: Tracebacks
    ) -> None:
        tracebacks.expect("ZeroDivisionError: for a test")
        server = await serve()
        met, other = await meet(server), await meet(server)

        @met.spark.on("data")
        def fails(message: Any) -> None:
            raise ZeroDivisionError("for a test")

        met.spark.on("data", met.spark.write)
        other.spark.on("data", other.spark.write)
        met.peer.send('"one"', '"two"')
        assert [await met.peer.receive() for _ in range(2)] == ['"one"', '"two"']
        error = await met.events.one("error")
        assert isinstance(error, ListenerError)
        assert isinstance(error.__cause__, ZeroDivisionError)
        other.peer.send('"three"')
        assert await other.peer.receive() == '"three"'
        assert other.events.seen("error") == []

    async def test_write_on_the_server_reaches_every_client(self, serve: Serve) -> None:
        server = await serve()
        met = [await meet(server) for _ in range(5)]
        server.primus.write({"to": "all"})
        assert [await one.peer.receive() for one in met] == ['{"to":"all"}'] * 5

    async def test_a_broadcast_is_encoded_once(self, serve: Serve) -> None:
        parser = CountingParser()
        server = await serve(parser=parser)
        met = [await meet(server) for _ in range(5)]
        parser.encoded = 0
        server.primus.write("to all\u2028")
        assert [await one.peer.receive() for one in met] == ['"to all\\u2028"'] * 5
        assert parser.encoded == 1

    async def test_a_broadcast_keeps_its_place_among_other_messages(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.write(1)
        server.primus.write(2)
        met.spark.write(3)
        server.primus.write(4)
        assert [await met.peer.receive() for _ in range(4)] == ["1", "2", "3", "4"]

    async def test_a_broadcast_reaches_the_others_when_one_client_has_gone(
        self, serve: Serve
    ) -> None:
        server = await serve()
        one, two = await meet(server), await meet(server)
        one.peer.abort()
        server.primus.write(1)
        assert await two.peer.receive() == "1"
        await one.events.next("end")
        server.primus.write(2)
        assert await two.peer.receive() == "2"

    async def test_for_each_calls_a_plain_function_with_every_spark(self, serve: Serve) -> None:
        server = await serve()
        sparks = [(await meet(server)).spark for _ in range(3)]
        seen: list[Spark] = []
        assert server.primus.for_each(seen.append) is None
        assert seen == sparks

    async def test_for_each_stops_when_a_plain_function_returns_false(self, serve: Serve) -> None:
        server = await serve()
        for _ in range(3):
            await meet(server)
        seen: list[Spark] = []

        def first_only(spark: Spark) -> bool:
            seen.append(spark)
            return False

        server.primus.for_each(first_only)
        assert len(seen) == 1

    async def test_for_each_awaits_an_async_function_spark_by_spark(self, serve: Serve) -> None:
        server = await serve()
        sparks = [(await meet(server)).spark for _ in range(3)]
        steps: list[tuple[str, Spark]] = []

        async def visit(spark: Spark) -> bool:
            steps.append(("in", spark))
            await asyncio.sleep(0)
            steps.append(("out", spark))
            return spark is not sparks[1]

        visiting = server.primus.for_each(visit)
        assert visiting is not None
        await visiting
        assert steps == [(way, spark) for spark in sparks[:2] for way in ("in", "out")]

    async def test_a_spark_can_be_iterated_over(self, serve: Serve) -> None:
        server = await serve()
        received: list[Any] = []
        done = asyncio.Event()

        @server.primus.on("connection")
        async def connection(spark: Spark) -> None:
            async for message in spark:
                received.append(message)
                spark.write(message)
            done.set()

        peer = await server.peer()
        peer.send("1", "2", "3")
        assert [await peer.receive() for _ in range(3)] == ["1", "2", "3"]
        peer.send("4")
        peer.close()
        async with asyncio.timeout(DEADLINE):
            await done.wait()
        assert received == [1, 2, 3, 4]

    async def test_a_spark_can_be_piped_into_another(self, serve: Serve) -> None:
        server = await serve()
        one, two = await meet(server), await meet(server)
        one.spark.pipe(two.spark)
        one.peer.send('"through"')
        assert await two.peer.receive() == '"through"'
        one.peer.close()
        assert await two.peer.gone() == ['"primus::server::close"']

    async def test_frames_of_text_go_both_ways_whatever_is_in_them(self, serve: Serve) -> None:
        server = await serve(parser=Raw())
        met = await meet(server)
        for frame in (
            " a ",
            "a\nb",
            "\r\n",
            "\n\n",
            "data: a\n\n",
            "\t\x00\x1f",
            "\\n",
            "%20+&=",
            "\ufeffé",
        ):
            met.peer.send(frame)
            assert await met.events.one("data") == frame
            met.spark.write(frame)
            assert await met.peer.receive() == frame

    async def test_frames_of_bytes_go_both_ways(self, serve: Serve) -> None:
        if not transformer_named(self.transformer)[1].binary:
            with pytest.raises(OptionError, match="carries text only"):
                await serve(parser=BytesParser())
            return
        server = await serve(parser=BytesParser())
        met = await meet(server)
        met.peer.send(b"\x00\xff in")
        assert (await met.events.next("data"))[0] == b"\x00\xff in"
        met.spark.write(b"\xfe\x00 out")
        assert await met.peer.receive() == b"\xfe\x00 out"

    async def test_private_events_are_emitted_when_they_have_listeners(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        spied = Recorder(met.spark, "incoming::data", "outgoing::data", "incoming::end")
        met.peer.send('"in"')
        assert await spied.next("incoming::data") == ('"in"',)
        met.spark.write("out")
        assert await spied.next("outgoing::data") == ('"out"',)
        met.peer.close()
        await spied.next("incoming::end")


class CountingParser(JSONParser):
    """JSON that counts what it encodes."""

    encoded = 0

    def encode(self, value: Any) -> str:
        self.encoded += 1
        return super().encode(value)


class BytesParser:
    """Frames of bytes, as they are; control messages as UTF-8."""

    name = "bytes"
    binary = True

    def encode(self, value: Any) -> bytes:
        return value.encode() if isinstance(value, str) else bytes(value)

    def decode(self, frame: Any) -> Any:
        return frame
