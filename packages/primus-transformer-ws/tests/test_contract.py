"""The contract of every transformer, and that of those on RFC 6455."""

from primus_testing import TransformerContract, WebSocketContract


class TestWebSockets(TransformerContract):
    transformer = "websockets"


class TestWebSocketWire(WebSocketContract):
    transformer = "websockets"
