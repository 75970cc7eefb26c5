"""The server half: upgrades are left to the HTTP server, whose own WebSocket carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.websocket import Engine, WebSocketTransformer

if TYPE_CHECKING:
    from primus.transformer import Connector

__all__ = ["Faye"]


class Faye(WebSocketTransformer):
    """The server half of the ``faye`` transformer."""

    name = "faye"
    engine = Engine

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus.websocket.client import AiohttpConnector

        return AiohttpConnector()
