"""The contract of every transformer, and that of those on RFC 6455."""

from primus_testing import TransformerContract, WebSocketContract


class TestLws(TransformerContract):
    transformer = "lws"


class TestLwsWire(WebSocketContract):
    transformer = "lws"
