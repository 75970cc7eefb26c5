"""The contract of every transformer, and that of those on RFC 6455."""

from primus_testing import TransformerContract, WebSocketContract


class TestFaye(TransformerContract):
    transformer = "faye"


class TestFayeWire(WebSocketContract):
    transformer = "faye"
    refuses_unmasked = False  # aiohttp takes them
