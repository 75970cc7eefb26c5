"""Messages under an ASGI server, whose own WebSocket carries them as it does for any engine.

All of the contract runs there with the transformer `websockets`.
"""

from primus_testing.transformer.messages import MessagesContract


class TestFayeUnderAsgi(MessagesContract):
    transformer = "faye"
    host = "asgi"
