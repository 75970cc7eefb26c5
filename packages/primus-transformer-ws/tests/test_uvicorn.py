"""The contract of every transformer on raw transports that uvicorn hands over."""

from primus_testing import TransformerContract


class TestWebSocketsOfUvicorn(TransformerContract):
    transformer = "websockets"
    host = "uvicorn"
