"""Limits of a server of our own."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from primus import Primus


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
