"""The contract of every transformer, with answers that stream and with one chunk in each."""

from __future__ import annotations

from typing import Any, ClassVar

from primus.transformer import Connector
from primus_testing import TransformerContract
from primus_testing.transformer.messages import MessagesContract
from primus_testing.transformer.ordering import OrderingContract
from primus_transformer_browserchannel.client import BrowserChannelConnector
from primus_transformer_browserchannel.server import BrowserChannel

STILL = {"keepalive_interval": 9e3, "session_timeout": 9e3, "close_timeout": 0.2}
"""The contract moves the clock by minutes, and watches the heartbeat of Primus only."""


class OneChunkConnector(BrowserChannelConnector):
    streaming = False


class OneChunk(BrowserChannel):
    @classmethod
    def connector(cls) -> Connector:
        return OneChunkConnector()


class TestStreaming(TransformerContract):
    transformer = "browserchannel"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestOneChunk(MessagesContract, OrderingContract):
    transformer = OneChunk
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestOnItsOwn(TransformerContract):
    transformer = "browserchannel"
    host = "own"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}
