"""The contract of every transformer, over each kind of transport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from primus.transformer import Connector
from primus_testing import TransformerContract
from primus_testing.transformer.heartbeats import HeartbeatsContract
from primus_testing.transformer.messages import MessagesContract
from primus_testing.transformer.ordering import OrderingContract
from primus_transformer_sockjs.client import SockJSConnector
from primus_transformer_sockjs.server import SockJS


class StreamingConnector(SockJSConnector):
    transports = ("xhr-streaming",)


class PollingConnector(SockJSConnector):
    transports = ("xhr-polling",)


class Streaming(SockJS):
    @classmethod
    def connector(cls) -> Connector:
        return StreamingConnector()


class Polling(SockJS):
    @classmethod
    def connector(cls) -> Connector:
        return PollingConnector()


class TestSockJS(TransformerContract):
    """Over WebSockets. On a clock that jumps by hours no pong arrives in time."""

    transformer = "sockjs"
    options: ClassVar[Mapping[str, Any]] = {"transport": {"heartbeat_delay": False}}


GENTLE: Mapping[str, Any] = {"transport": {"disconnect_delay": 5.0, "close_timeout": 0.2}}
"""Clients of a busy machine get their time between two polls, and none when the server ends."""


class TestStreaming(MessagesContract):
    transformer = Streaming
    options = GENTLE


class TestPolling(OrderingContract):
    transformer = Polling
    options = GENTLE


class TestHandedOver(MessagesContract):
    """By another worker, with the connection of each request."""

    transformer = Streaming
    host = "handed"
    options = GENTLE


class TestPassedOn(MessagesContract):
    """By another worker, request by request; answers stream."""

    transformer = Streaming
    host = "relayed"
    options = GENTLE


class TestPollingHeartbeats(HeartbeatsContract):
    """On a clock that jumps by minutes, a client between two polls seems to have gone for long."""

    transformer = Polling
    options: ClassVar[Mapping[str, Any]] = {
        "transport": {"disconnect_delay": 9e3, "close_timeout": 0.2}
    }
