"""A connection to Redis over TLS that is closed."""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from primus_backplane.redis.wire import Wire

DEADLINE = 30.0


async def test_a_connection_over_tls_is_closed_without_a_traceback() -> None:
    """redis-py closes the transport, which in Python 3.11 raises when it is aborted after that."""
    authority = trustme.CA()
    there, here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(there)
    authority.configure_trust(here)
    loop = asyncio.get_running_loop()
    failures: list[Any] = []
    loop.set_exception_handler(lambda loop, context: failures.append(context))

    async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with (
        asyncio.timeout(DEADLINE),
        await asyncio.start_server(stay, "127.0.0.1", 0, ssl=there) as server,
    ):
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=here)

        async def disconnect(*, nowait: bool) -> None:
            writer.close()

        wire = Wire(SimpleNamespace(_writer=writer, disconnect=disconnect), lambda reply: False)
        asking = asyncio.ensure_future(wire.reply())
        await asyncio.sleep(0)
        await wire.close()

        with pytest.raises(ConnectionError, match="has closed the connection"):
            await asking

    assert failures == []
