"""The contract of every transformer, under an ASGI server's own WebSocket."""

from primus_testing import TransformerContract
from primus_testing.plugin import ServerFactory
from primus_testing.raw_websocket import TEXT, RawWebSocket, frame


class TestWebSocketsUnderAsgi(TransformerContract):
    transformer = "websockets"
    host = "asgi"


async def test_uvicorn_refuses_frames_without_mask(primus_server: ServerFactory) -> None:
    server = await primus_server(transformer="websockets", on="asgi")
    data: list[object] = []
    server.primus.on("connection", lambda spark: spark.on("data", data.append))
    raw = await RawWebSocket.open(server)
    raw.send(frame(TEXT, b'"unmasked"', masked=False))
    assert await raw.close_code() == 1002
    assert data == []
