"""A client that gives up while the answer to its handshake is already there."""

import asyncio
from typing import Any

import pytest
from websockets.utils import accept_key

from primus_testing import DEADLINE, Peer
from primus_transformer_ws.server import WebSockets


async def test_an_answer_that_comes_as_the_client_gives_up_is_left_alone() -> None:
    failures: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: failures.append(context))
    asked: asyncio.Queue[tuple[bytes, asyncio.StreamWriter]] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait((await reader.readuntil(b"\r\n\r\n"), writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(DEADLINE):
        opening = asyncio.ensure_future(Peer.open(WebSockets, f"http://127.0.0.1:{port}/primus"))
        head, writer = await asked.get()
        key = head.lower().partition(b"sec-websocket-key: ")[2]
        exact = head[len(head) - len(key) :].split(b"\r\n")[0].decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(exact).encode() + b"\r\n\r\n"
        )
        loop.call_soon(opening.cancel)  # in the turn in which the answer is read
        with pytest.raises(asyncio.CancelledError):
            await opening
        writer.close()
    assert failures == []
