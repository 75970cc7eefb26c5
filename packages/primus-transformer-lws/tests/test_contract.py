"""The contracts of every transformer, of those on RFC 6455 and of those that take over wires."""

from primus_testing import (
    HandoverContract,
    TransformerContract,
    WebSocketClientContract,
    WebSocketContract,
    WebSocketLimitsContract,
)


class TestLws(TransformerContract):
    transformer = "lws"


class TestLwsWire(WebSocketContract):
    transformer = "lws"


class TestLwsLimits(WebSocketLimitsContract):
    transformer = "lws"


class TestLwsHandover(HandoverContract):
    transformer = "lws"


class TestLwsClient(WebSocketClientContract):
    transformer = "lws"
