"""The contract of every transformer, under an ASGI server's own WebSocket."""

from primus_testing import TransformerContract


class TestWebSocketsUnderAsgi(TransformerContract):
    transformer = "websockets"
    host = "asgi"
