"""The client half: a WebSocket, or else streamed answers, or else polls."""

from __future__ import annotations

from primus_transformer_sockjs.client.connector import SockJSConnector

__all__ = ["SockJSConnector"]
