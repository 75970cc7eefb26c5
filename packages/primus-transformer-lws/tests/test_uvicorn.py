"""Messages on raw transports that uvicorn hands over.

All of the contract runs there with the transformer `websockets`.
"""

from primus_testing.transformer.messages import MessagesContract


class TestLwsOfUvicorn(MessagesContract):
    transformer = "lws"
    host = "uvicorn"


class TestLwsThroughAnApplication(MessagesContract):
    transformer = "lws"
    host = "wrapped"
