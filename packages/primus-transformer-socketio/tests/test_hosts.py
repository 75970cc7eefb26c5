"""The contract of every transformer on other hosts, over WebSockets and by polling."""

from typing import Any, ClassVar

from primus_testing import TransformerContract
from primus_testing.transformer.messages import MessagesContract

STILL = {"heartbeat_interval": 9e3, "close_timeout": 0.2}


class TestWebSocketUnderAsgi(TransformerContract):
    transformer = "socket.io"
    host = "asgi"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestWebSocketOfUvicorn(MessagesContract):
    transformer = "socket.io"
    host = "uvicorn"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestPollingUnderAsgi(MessagesContract):
    transformer = "socket.io"
    host = "asgi"
    options: ClassVar[dict[str, Any]] = {"transport": {**STILL, "transports": ["xhr-polling"]}}


class TestPollingOnItsOwn(MessagesContract):
    transformer = "socket.io"
    host = "own"
    options: ClassVar[dict[str, Any]] = {"transport": {**STILL, "transports": ["xhr-polling"]}}
