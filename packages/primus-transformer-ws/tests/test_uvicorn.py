"""The contract of every transformer on raw transports that uvicorn hands over.

What the wire carries then is tested on aiohttp: the transport is the same. uvicorn drops what comes
in the packet of the handshake, which no client may send (RFC 6455 section 4.1).
"""

from primus_testing import TransformerContract


class TestWebSocketsOfUvicorn(TransformerContract):
    transformer = "websockets"
    host = "uvicorn"


class TestWebSocketsThroughAnApplication(TransformerContract):
    transformer = "websockets"
    host = "wrapped"
