"""Extensions that a client offers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from primus_testing.transformer.base import upgrade_status

Start = Callable[..., Awaitable[Any]]


async def test_an_offer_that_cannot_be_read_is_refused_and_repeated_in_part(
    primus_server: Start,
) -> None:
    server = await primus_server(transformer="websockets", compression=True)
    headers = {"Sec-WebSocket-Extensions": "x" * 2000 + "=;,;"}
    assert await upgrade_status(server, headers) == 400
    headers |= {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = await server.get("/primus", headers=headers)
    assert 100 < len(answer.text) < 600
