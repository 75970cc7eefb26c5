"""The end of the HTTP servers that tests run applications on."""

import asyncio
import gc
import socket
import warnings

import pytest

from primus_testing.plugin import ServerFactory


@pytest.mark.parametrize("host", ["own", "aiohttp", "asgi", "uvicorn"])
async def test_a_connection_that_is_accepted_in_the_turn_of_the_end_is_closed(
    primus_server: ServerFactory, host: str
) -> None:
    server = await primus_server(on=host, transformer="websockets")
    with (
        warnings.catch_warnings(record=True, action="always") as warned,
        socket.create_connection(("127.0.0.1", server.port)) as client,
    ):
        client.settimeout(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the loop has accepted it, and has not begun with it

        await server.site.stop()

        gc.collect()
        async with asyncio.timeout(5):
            assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
    assert warned == []
