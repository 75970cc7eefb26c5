"""Limits on what a peer can make the server do, with real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import trustme

from primus import Primus, Spark
from primus_testing import Recorder

# Two lines of Connection are as good as one (RFC 9110 section 5.3); some proxies send them.
HANDSHAKE = (
    b"GET /primus HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
MESSAGE = "a" * 100_000
MESSAGES = 300


class Counting:
    """A parser that leaves frames as they are, and counts them."""

    def __init__(self) -> None:
        self.decoded = 0

    def encode(self, value: Any) -> str:
        return str(value)

    def decode(self, frame: str | bytes) -> str | bytes:
        self.decoded += 1
        return frame


async def test_messages_are_not_inflated_for_a_connection_that_does_not_take_them(
    primus_server: Callable[..., Any],
) -> None:
    parser, entered, gate = Counting(), asyncio.Event(), asyncio.Event()
    server = await primus_server(parser=parser, compression=True, max_length=1 << 20)
    received: list[int] = []

    @server.primus.on("connection")
    def connection(spark: Spark) -> None:
        @spark.on("data")
        async def data(message: str) -> None:
            entered.set()
            await gate.wait()
            received.append(len(message))
            if len(received) == MESSAGES:
                spark.write("all of them")

    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/primus", compress=15) as socket,
    ):
        for _ in range(MESSAGES):
            await socket.send_str(MESSAGE)
        await entered.wait()
        inflated = parser.decoded
        gate.set()
        async with asyncio.timeout(10):
            assert await socket.receive_str() == "all of them"

    assert inflated < MESSAGES / 4
    assert received == [len(MESSAGE)] * MESSAGES


@pytest.mark.parametrize("count", [16, 300])
async def test_messages_that_come_with_the_handshake_pause_the_connection_too(
    primus_server: Callable[..., Any], count: int
) -> None:
    parser, entered, gate = Counting(), asyncio.Event(), asyncio.Event()
    server = await primus_server(parser=parser)
    received: list[str] = []

    @server.primus.on("connection")
    def connection(spark: Spark) -> None:
        @spark.on("data")
        async def data(message: str) -> None:
            entered.set()
            await gate.wait()
            received.append(message)

    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    frame = b"\x82\xfe\x03\xe8\0\0\0\0" + b"a" * 1000
    writer.write(HANDSHAKE + frame * count)
    await entered.wait()
    await reader.readuntil(b"\r\n\r\n")
    flood = frame * 1000
    sent = 0
    # A server that goes on reading takes all of this; one that has paused lets it pile up here.
    while sent < 64 and writer.transport.get_write_buffer_size() < 8 * len(flood):
        writer.write(flood)
        sent += 1
        await asyncio.sleep(0)
    piled_up = writer.transport.get_write_buffer_size()
    decoded = parser.decoded
    writer.transport.abort()
    gate.set()
    assert sent < 64, piled_up
    assert decoded < 2000


async def test_nothing_behind_invalid_utf_8_is_processed(
    primus_server: Callable[..., Any],
) -> None:
    server = await primus_server(parser=Counting())
    seen = Recorder(server.primus, "connection")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HANDSHAKE)
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    spark = await seen.one("connection")
    heard = Recorder(spark, "data", "end")
    writer.write(b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0\xff\x81\x81\0\0\0\0b")
    assert await reader.readexactly(4) == b"\x88\x0f\x03\xef"
    writer.close()
    assert heard.story == ["data", "end"]
    assert heard.seen("data") == [("a", "a")]


@pytest.mark.parametrize("shakes_hands", [False, True])
async def test_a_tls_client_that_says_nothing_is_dropped(shakes_hands: bool) -> None:
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    primus = await Primus.create_server(
        host="127.0.0.1", ssl_context=server_side, handshake_timeout=0.2
    )
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            primus.port,
            ssl=client_side if shakes_hands else None,
            server_hostname="localhost" if shakes_hands else None,
        )
        async with asyncio.timeout(5):
            try:
                rest = await reader.read()
            except ConnectionError:
                rest = b""
        assert rest == b""
        writer.close()
    finally:
        await primus.destroy()
