"""Broadcasts."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Start = Callable[..., Awaitable[Any]]


async def test_a_broadcast_is_framed_once(
    primus_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from primus_transformer_ws.server_transport import ServerTransport

    server = await primus_server()
    peers = [await server.peer() for _ in range(5)]
    framed: list[Any] = []
    prepare = ServerTransport.prepare

    def counted(frame: Any) -> bytes:
        framed.append(frame)
        return prepare(frame)

    monkeypatch.setattr(ServerTransport, "prepare", counted)
    server.primus.write("to all")
    assert [await peer.receive() for peer in peers] == ['"to all"'] * 5
    assert framed == ['"to all"']
