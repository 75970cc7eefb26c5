"""The contracts of every transformer, and of those on RFC 6455."""

from primus_testing import (
    TransformerContract,
    WebSocketClientContract,
    WebSocketContract,
    WebSocketLimitsContract,
)


class TestFaye(TransformerContract):
    transformer = "faye"


class TestFayeWire(WebSocketContract):
    transformer = "faye"


class TestFayeLimits(WebSocketLimitsContract):
    transformer = "faye"


class TestFayeClient(WebSocketClientContract):
    transformer = "faye"
