"""A client that gives up while the answer to its handshake is already there."""

import asyncio
from typing import Any

import pytest
from websockets.utils import accept_key

from primus.errors import TransportError
from primus.transformer import DialOptions
from primus_testing import DEADLINE, NotingTransport, Peer
from primus_transformer_ws import client
from primus_transformer_ws.server import WebSockets


def accepted(head: bytes) -> bytes:
    """The answer of a server that accepts a handshake."""
    key = head.lower().partition(b"sec-websocket-key: ")[2]
    exact = head[len(head) - len(key) :].split(b"\r\n")[0].decode()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(exact).encode() + b"\r\n\r\n"
    )


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
        writer.write(accepted(head))
        loop.call_soon(opening.cancel)  # in the turn in which the answer is read
        with pytest.raises(asyncio.CancelledError):
            await opening
        writer.close()
    assert failures == []


async def test_a_wire_that_is_lost_right_behind_its_handshake_is_not_given_to_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def dial(uri: object, dial: object, opening: Any) -> None:
        wire = NotingTransport()
        opening.connection_made(wire)
        opening.data_received(accepted(wire.written))
        opening.connection_lost(None)

    monkeypatch.setattr(client, "_dial", dial)
    dial_options, attached = DialOptions("ws://localhost/", 1000), list[object]()

    class Attachable:
        attach = attached.append

    with pytest.raises(TransportError, match="connection closed"):
        await client.WebSocketsConnector().open(dial_options, Attachable())  # type: ignore[arg-type]
    assert attached == []
