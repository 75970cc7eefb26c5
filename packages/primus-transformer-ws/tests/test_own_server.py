"""The contract of every transformer, on a server that Primus makes itself."""

from primus_testing import TransformerContract


class TestWebSocketsOnItsOwn(TransformerContract):
    transformer = "websockets"
    host = "own"
