"""The contracts of every transformer, of those on RFC 6455 and of those that take over wires."""

from primus_testing import (
    HandoverContract,
    TransformerContract,
    WebSocketClientContract,
    WebSocketContract,
    WebSocketLimitsContract,
)


class TestWebSockets(TransformerContract):
    transformer = "websockets"


class TestWebSocketsWire(WebSocketContract):
    transformer = "websockets"


class TestWebSocketsLimits(WebSocketLimitsContract):
    transformer = "websockets"


class TestWebSocketsHandover(HandoverContract):
    transformer = "websockets"


class TestWebSocketsClient(WebSocketClientContract):
    transformer = "websockets"
