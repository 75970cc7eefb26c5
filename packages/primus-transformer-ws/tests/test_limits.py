"""Limits of a server of our own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest
import trustme

from primus import Primus
from primus_testing import DEADLINE, ManualClock, Recorder
from primus_testing.raw_websocket import HANDSHAKE
from primus_testing.transformer.limits import pass_time


@pytest.mark.parametrize("shakes_hands", [False, True])
async def test_a_tls_client_that_says_nothing_is_dropped(shakes_hands: bool) -> None:
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    how = {"ssl": client_side, "server_hostname": "localhost"} if shakes_hands else {}
    seconds, is_dropped = 0.1, False
    while not is_dropped:
        primus = await Primus.create_server(
            host="127.0.0.1", ssl_context=server_side, handshake_timeout=seconds
        )
        try:
            is_dropped = await connects_and_is_dropped(primus.port, how)
        finally:
            await primus.destroy()
        seconds *= 2  # a busy machine has not shaken hands in that time


async def connects_and_is_dropped(port: int, how: dict[str, Any]) -> bool:
    """Connect and wait to be dropped; False when that has happened too early for a handshake."""
    async with asyncio.timeout(DEADLINE):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, **how)
        except ConnectionError:
            return False
        try:
            rest = await reader.read()
        except ConnectionError:
            rest = b""
    assert rest == b""
    writer.close()
    return True


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
