"""The client half: a WebSocket, or else polls."""

from __future__ import annotations

from primus_transformer_socketio.client.connector import SocketIOConnector

__all__ = ["SocketIOConnector"]
