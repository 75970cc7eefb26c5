"""Limits of a server of our own."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
import trustme

from primus import Primus
from primus_testing import ManualClock, Recorder
from primus_testing.raw_websocket import HANDSHAKE
from primus_testing.transformer.limits import pass_time


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


async def test_a_tls_client_that_takes_nothing_is_dropped(manual_clock: ManualClock) -> None:
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    still = {"timeout": False, "ping_interval": False, "clock": manual_clock}
    primus = await Primus.create_server(host="127.0.0.1", ssl_context=server_side, **still)
    sparks = Recorder(primus, "connection")
    connection = socket.socket()
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", primus.port))
    _, writer = await asyncio.open_connection(
        sock=connection, ssl=client_side, server_hostname="localhost", limit=4096
    )
    lines = [f"{name}: {value}" for name, value in HANDSHAKE]
    writer.write("\r\n".join(["GET /primus HTTP/1.1", *lines, "", ""]).encode())
    spark = await sparks.one("connection")
    ended = Recorder(spark, "end")

    spark.write("x" * 8_000_000)
    await pass_time(manual_clock, 29)
    assert len(primus) == 1
    await pass_time(manual_clock, 300)

    await ended.next("end")
    writer.transport.abort()
    await primus.destroy()
