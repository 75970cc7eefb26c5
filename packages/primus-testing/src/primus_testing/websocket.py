"""What a transformer does that speaks RFC 6455: inherit `WebSocketContract` beside the other.

    class TestWebSocketsWire(WebSocketContract):
        transformer = "websockets"

Frames are made by hand and sent over a plain TCP connection, so that they may be wrong.
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

import pytest

from primus.errors import ServerFullError
from primus_testing.clock import ManualClock
from primus_testing.raw_websocket import (
    BINARY,
    CLOSE,
    CONT,
    HANDSHAKE,
    PING,
    TEXT,
    RawWebSocket,
    deflated,
    frame,
)
from primus_testing.recorder import Recorder, eventually
from primus_testing.transformer.base import Contract, Serve, echo, meet

__all__ = ["RawWebSocket", "WebSocketContract", "frame"]

DEFLATE = (("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),)


class WebSocketContract(Contract):
    """The wire protocol, and what breaks its rules."""

    async def test_the_handshake_is_answered_as_the_rfc_has_it(self, serve: Serve) -> None:
        server = await serve()
        raw = await RawWebSocket.open(server)
        assert raw.status == 101
        headers = {name.lower(): value for name, value in raw.headers}
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert headers["upgrade"].lower() == "websocket"
        assert headers["connection"].lower() == "upgrade"
        assert "sec-websocket-extensions" not in headers
        raw.drop()

    async def test_a_plain_request_needs_an_upgrade(self, serve: Serve) -> None:
        server = await serve()
        assert (await server.get("/primus")).status == 426

    async def test_a_spark_that_is_aborted_sends_no_close_frame(self, serve: Serve) -> None:
        server = await serve()
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        (await met.one("connection")).abort()
        with suppress(ConnectionResetError):
            assert await raw.within(raw.reader.read()) == b""
        raw.drop()

    async def test_another_version_is_refused_with_the_version_that_is_spoken(
        self, serve: Serve
    ) -> None:
        server = await serve()
        wrong = [(n, "12" if n == "Sec-WebSocket-Version" else v) for n, v in HANDSHAKE]
        raw = await RawWebSocket.open(server, headers=wrong)
        assert raw.status in (400, 426)
        raw.drop()

    @pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
    async def test_a_handshake_that_lacks_a_header_is_refused(
        self, serve: Serve, missing: str
    ) -> None:
        server = await serve()
        rest = [(name, value) for name, value in HANDSHAKE if name != missing]
        raw = await RawWebSocket.open(server, headers=rest)
        assert raw.status in (400, 426)
        assert len(server.primus) == 0
        raw.drop()

    async def test_frames_that_follow_the_handshake_at_once_are_taken(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        raw = await RawWebSocket.open(server, early=frame(TEXT, b'"early"'))
        assert await raw.receive() == (0x81, b'"early"')
        raw.drop()

    async def test_a_text_leaves_as_one_unmasked_frame(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        raw = await RawWebSocket.open(server)
        for size in (0, 123, 124, 65533, 65534):
            text = b'"' + b"x" * size + b'"'
            raw.send(frame(TEXT, text))
            assert await raw.receive() == (0x81, text)
        raw.drop()

    async def test_fragments_make_one_message_with_pings_in_between(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        raw = await RawWebSocket.open(server)
        euro = '"€"'.encode()
        raw.send(frame(TEXT, euro[:2], fin=False), frame(PING, b"?"))
        raw.send(frame(CONT, euro[2:3], fin=False), frame(CONT, euro[3:]))
        assert await raw.receive() == (0x8A, b"?")
        assert await raw.receive() == (0x81, euro)
        raw.drop()

    @pytest.mark.parametrize(
        "rest",
        [
            b"",
            frame(TEXT, b'"two"'),
            frame(BINARY, b"3"),
            frame(PING),
            frame(TEXT, b"4", fin=False),
        ],
    )
    async def test_what_arrives_is_a_sign_of_life_whatever_follows_it_at_once(
        self, serve: Serve, manual_clock: ManualClock, rest: bytes
    ) -> None:
        server = await serve(clock=manual_clock)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        spark = await met.one("connection")
        seen = Recorder(spark, "data")
        manual_clock.advance(5)
        raw.send(frame(TEXT, b'"one"'), rest)
        assert (await seen.next("data"))[0] == "one"
        assert spark.seen_at == manual_clock.time()
        raw.drop()

    async def test_a_frame_may_arrive_byte_by_byte(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        raw = await RawWebSocket.open(server)
        for byte in frame(TEXT, b'"slow"'):
            raw.writer.write(bytes((byte,)))
            await raw.writer.drain()
            await asyncio.sleep(0)
        assert await raw.receive() == (0x81, b'"slow"')
        raw.drop()

    async def test_a_frame_too_large_is_refused_by_its_head(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        raw = await RawWebSocket.open(server)
        raw.send(frame(TEXT, b"x" * 1001)[:4])
        assert await raw.close_code() == 1009

    async def test_a_frame_too_large_is_refused_that_comes_whole(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        heard = Recorder(await met.one("connection"), "data", "end")
        most, more = (b'"' + b"x" * (size - 2) + b'"' for size in (1000, 1001))
        raw.send(frame(TEXT, most), frame(TEXT, more))
        assert await raw.close_code() == 1009
        await heard.next("end")
        assert len(heard.seen("data")) == 1

    async def test_a_short_frame_too_large_is_refused_that_comes_whole(self, serve: Serve) -> None:
        server = await serve(max_length=10)
        raw = await RawWebSocket.open(server)
        raw.send(frame(TEXT, b'"12345678"'), frame(TEXT, b'"123456789"'))
        assert await raw.close_code() == 1009
        assert server.primus.stats.messages_in == 1

    async def test_fragments_too_large_in_sum_are_refused(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        met = Recorder(server.primus, "connection", "disconnection")
        raw = await RawWebSocket.open(server)
        raw.send(frame(TEXT, b"x" * 400, fin=False), frame(CONT, b"x" * 400, fin=False))
        raw.send(frame(CONT, b"x" * 400))
        assert await raw.close_code() == 1009
        await met.next("disconnection")

    async def test_fragments_without_end_are_refused_at_the_limit(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        raw = await RawWebSocket.open(server)
        raw.send(frame(TEXT, b"x", fin=False), *[frame(CONT, b"x" * 100, fin=False)] * 10)
        assert await raw.close_code() == 1009

    async def test_a_message_that_is_too_large_inflated_is_refused(self, serve: Serve) -> None:
        server = await serve(max_length=1000, compression=True)
        raw = await RawWebSocket.open(server, DEFLATE)
        raw.send(frame(TEXT, deflated(b"x" * 100_000), rsv=4))
        assert await raw.close_code() == 1009

    async def test_compressed_messages_are_inflated(self, serve: Serve) -> None:
        server = await serve(compression=True)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server, DEFLATE)
        assert any("permessage-deflate" in value for _, value in raw.headers)
        spark = await met.one("connection")
        seen = Recorder(spark, "data")
        raw.send(frame(TEXT, deflated(b'"' + b"x" * 5000 + b'"'), rsv=4))
        assert await seen.one("data") == "x" * 5000
        raw.drop()

    async def test_large_messages_leave_compressed_when_the_client_takes_it(
        self, serve: Serve
    ) -> None:
        server = await serve(compression=True)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server, DEFLATE)
        (await met.one("connection")).write("x" * 50_000)
        first, payload = await raw.receive()
        assert first == 0xC1
        assert len(payload) < 1000
        raw.drop()

    async def test_compression_is_off_by_default(self, serve: Serve) -> None:
        server = await serve()
        raw = await RawWebSocket.open(server, DEFLATE)
        assert raw.status == 101
        assert not any("permessage-deflate" in value for _, value in raw.headers)
        raw.send(frame(TEXT, b"x", rsv=4))
        assert await raw.close_code() == 1002

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            (frame(TEXT, b"x", rsv=1), 1002),
            (frame(0x3, b"x"), 1002),
            (frame(0xB, b"x"), 1002),
            (frame(CONT, b"x"), 1002),
            (frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"), 1002),
            (frame(PING, b"x" * 126), 1002),
            (frame(PING, b"x", fin=False), 1002),
            (frame(CLOSE, b"x"), 1002),
            (frame(CLOSE, struct.pack("!H", 999)), 1002),
            (frame(TEXT, b'"\xff"'), 1007),
            (frame(TEXT, b'"\xe2', fin=False) + frame(CONT, b'x"'), 1007),
            (frame(TEXT, b'"\xed\xa0\x80"'), 1007),
        ],
    )
    async def test_a_client_that_breaks_the_rules_is_closed_with_the_reason_and_alone(
        self, serve: Serve, wrong: bytes, code: int
    ) -> None:
        server = await serve()
        echo(server.primus)
        other = await meet(server)
        ends = Recorder(server.primus, "disconnection")
        raw = await RawWebSocket.open(server)
        raw.send(wrong)
        assert await raw.close_code() == code
        await ends.next("disconnection")
        other.peer.send('"fine"')
        assert await other.peer.receive() == '"fine"'
        assert len(server.primus) == 1

    async def test_a_frame_without_mask_is_refused(self, serve: Serve) -> None:
        server = await serve()
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        heard = Recorder(await met.one("connection"), "data", "end")
        raw.send(frame(TEXT, b'"masked"'), frame(TEXT, b'"unmasked"', masked=False))
        assert await raw.close_code() == 1002
        await heard.next("end")
        assert heard.seen("data") == [("masked", '"masked"')]

    async def test_a_frame_without_mask_is_refused_that_follows_the_handshake_at_once(
        self, serve: Serve
    ) -> None:
        server = await serve()
        echo(server.primus)
        raw = await RawWebSocket.open(server, early=frame(TEXT, b'"unmasked"', masked=False))
        assert await raw.close_code() == 1002

    async def test_short_fragments_of_one_message_are_counted(self, serve: Serve) -> None:
        server = await serve()
        most = server.primus.limits.fragments
        echo(server.primus)
        raw = await RawWebSocket.open(server)
        short, long = frame(CONT, b" ", fin=False), frame(CONT, b" " * 64, fin=False)
        raw.send(frame(TEXT, b"1", fin=False), *[short] * (most - 2), *[long] * 100, frame(CONT))
        assert (await raw.receive())[0] == 0x81
        raw.send(frame(TEXT, b"", fin=False), frame(PING), *[frame(CONT, fin=False)] * most)
        assert await raw.receive() == (0x8A, b"")
        assert await raw.close_code() == 1009

    @pytest.mark.parametrize(
        "noise", [b"\x00" * 1000, b"\xff" * 1000, b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 9]
    )
    async def test_noise_ends_its_connection_and_nothing_else(
        self, serve: Serve, noise: bytes
    ) -> None:
        server = await serve()
        echo(server.primus)
        other = await meet(server)
        raw = await RawWebSocket.open(server)
        raw.send(noise)
        await raw.within(raw.reader.read())
        raw.drop()
        await eventually(lambda: len(server.primus) == 1)
        other.peer.send('"fine"')
        assert await other.peer.receive() == '"fine"'

    async def test_a_ping_is_answered_with_its_payload(self, serve: Serve) -> None:
        server = await serve()
        raw = await RawWebSocket.open(server)
        raw.send(frame(PING, b"payload"))
        assert await raw.receive() == (0x8A, b"payload")
        raw.drop()

    async def test_a_ping_of_the_wire_is_a_sign_of_life(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock, ping_interval=False)
        raw = await RawWebSocket.open(server)
        for _ in range(4):
            manual_clock.advance(30)
            raw.send(frame(PING, b"alive"))
            assert await raw.receive() == (0x8A, b"alive")
        assert len(server.primus) == 1
        raw.drop()

    async def test_a_close_is_answered(self, serve: Serve) -> None:
        server = await serve()
        ends = Recorder(server.primus, "disconnection")
        raw = await RawWebSocket.open(server)
        raw.send(frame(CLOSE, struct.pack("!H", 1000)))
        assert await raw.receive() == (0x88, struct.pack("!H", 1000))
        assert await raw.within(raw.reader.read()) == b""
        await ends.next("disconnection")
        raw.drop()

    @pytest.mark.parametrize(
        ("status", "said", "code"),
        [
            (None, "", "client end"),
            (1000, "", "client end"),
            (1001, "a new page", "client end"),
            (4321, "so long, Jürgen", "client end"),
            (1009, "", "limit"),
            (1002, "bad frame", "protocol error"),
        ],
    )
    async def test_a_spark_knows_with_what_its_client_closed(
        self, serve: Serve, status: int | None, said: str, code: str
    ) -> None:
        server = await serve()
        met = Recorder(server.primus, "connection", "disconnection")
        raw = await RawWebSocket.open(server)
        spark = await met.one("connection")
        raw.send(frame(CLOSE, b"" if status is None else struct.pack("!H", status) + said.encode()))
        await met.next("disconnection")
        assert (spark.closed.code, spark.closed.by) == (code, "client")
        assert spark.closed.status == status
        assert said in spark.closed.reason
        raw.drop()

    @pytest.mark.parametrize(
        ("wrong", "code", "option"),
        [
            (frame(TEXT, b"x", rsv=2), "protocol error", ""),
            (frame(TEXT, b'"\xff"'), "protocol error", ""),
            (frame(TEXT, b"x" * 1001), "limit", "max_length"),
            (frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 1024, "limit", ""),
        ],
        ids=["reserved bit", "no UTF-8", "too long", "too many fragments"],
    )
    async def test_a_spark_knows_what_its_client_did_wrong(
        self, serve: Serve, wrong: bytes, code: str, option: str
    ) -> None:
        server = await serve(max_length=1000)
        met = Recorder(server.primus, "connection", "disconnection")
        raw = await RawWebSocket.open(server)
        spark = await met.one("connection")
        raw.send(wrong)
        await met.next("disconnection")
        assert (spark.closed.code, spark.closed.by) == (code, "server")
        assert spark.closed.option == option
        raw.drop()

    async def test_a_wire_that_goes_without_a_word_is_a_loss(self, serve: Serve) -> None:
        server = await serve()
        met = Recorder(server.primus, "connection", "disconnection")
        raw = await RawWebSocket.open(server)
        spark = await met.one("connection")
        raw.drop()
        await met.next("disconnection")
        assert (spark.closed.code, spark.closed.by) == ("wire lost", "network")

    async def test_what_came_before_a_close_is_taken_though_an_answer_cannot_be_sent(
        self, serve: Serve
    ) -> None:
        server = await serve()
        met = Recorder(server.primus, "disconnection")
        heard: list[object] = []
        server.primus.on("connection", lambda spark: spark.on("data", heard.append))
        raw = await RawWebSocket.open(server)
        asks, says = frame(TEXT, b'"primus::id::"'), frame(TEXT, b'"good night"')
        raw.send(asks, says, frame(CLOSE, struct.pack("!H", 1000)))
        await met.next("disconnection")
        assert heard == ["good night"]
        raw.drop()

    @pytest.mark.parametrize(
        "more", [frame(CLOSE, struct.pack("!H", 1000)), frame(TEXT, b"1"), b"\xff\xff"]
    )
    async def test_what_follows_a_close_does_not_matter(self, serve: Serve, more: bytes) -> None:
        server = await serve()
        raw = await RawWebSocket.open(server)
        raw.send(frame(CLOSE, struct.pack("!H", 3001)), more)
        assert await raw.receive() == (0x88, struct.pack("!H", 3001))
        raw.drop()

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
    async def test_a_close_with_a_code_that_has_no_meaning_is_not_answered_with_it(
        self, serve: Serve, code: int
    ) -> None:
        server = await serve()
        for more in (b"", b"\xff\xff"):
            raw = await RawWebSocket.open(server)
            raw.send(frame(CLOSE, struct.pack("!H", code)), more)
            assert await raw.close_code() in (1000, 1002)
            raw.drop()

    async def test_a_wire_that_is_being_closed_sends_nothing_more(self, serve: Serve) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        transport = (await sparks.one("connection"))._transport
        assert transport is not None
        transport.close()
        transport.send('"late"')
        transport.send(b"late")
        transport.send_text(b'"late"')
        transport.send_prepared(transport.prepare('"late"'))
        transport.ping()
        transport.close()
        assert (await raw.receive())[0] == 0x88
        raw.send(frame(CLOSE))
        assert await raw.within(raw.reader.read()) == b""
        raw.drop()

    async def test_a_connection_for_which_no_spark_can_be_made_is_dropped(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise ServerFullError("there is one too many")

        server = await serve()
        monkeypatch.setattr(server.primus, "accept", refuse)
        raw = await RawWebSocket.open(server)
        with suppress(ConnectionError):
            assert await raw.within(raw.reader.read()) == b""
        raw.drop()

    async def test_an_intended_end_closes_without_a_code_or_with_1000(self, serve: Serve) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        (await sparks.one("connection")).end()
        assert await raw.receive() == (0x81, b'"primus::server::close"')
        assert await raw.close_code() in (None, 1000)

    async def test_a_connection_that_is_half_closed_ends(self, serve: Serve) -> None:
        server = await serve()
        ends = Recorder(server.primus, "disconnection")
        raw = await RawWebSocket.open(server)
        raw.writer.write_eof()
        await raw.within(raw.reader.read())
        await ends.next("disconnection")
        raw.drop()

    async def test_replies_to_one_packet_leave_in_their_order(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        raw = await RawWebSocket.open(server)
        raw.send(*(frame(TEXT, b"%d" % number) for number in range(100)))
        assert [await raw.receive() for _ in range(100)] == [
            (0x81, b"%d" % number) for number in range(100)
        ]
        raw.drop()

    async def test_a_request_that_never_ends_leaves_nothing(self, serve: Serve) -> None:
        server = await serve()
        raw = await RawWebSocket.dial(server)
        raw.writer.write(b"GET /primus HTTP/1.1\r\nHost: x\r\nUpgrade: webso")
        await raw.writer.drain()
        raw.drop()
        assert (await server.get("/primus/spec")).status == 200
        assert len(server.primus) == 0
