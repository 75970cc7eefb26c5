"""What every WebSocket transformer is made of; only the engine underneath differs.

An `Engine` answers upgrades and gives a `Transport` for each. `WebSocketTransformer` makes a
spark of each of them; transformers that use WebSockets as one wire among others (Engine.IO,
SockJS) drive an engine by themselves.
"""

from __future__ import annotations

from primus.websocket.corking import Corking, ShortTexts
from primus.websocket.engine import Engine, EngineOptions, Opened
from primus.websocket.framing import (
    CLOSE_TIMEOUT,
    MASKED,
    bounds,
    framed,
    is_close_code,
    server_frame,
    text_frame,
    utf8,
)
from primus.websocket.handshake import accept_key, chosen_subprotocol, refusal, switching
from primus.websocket.hosted import HostedTransport
from primus.websocket.intake import Intake
from primus.websocket.transformer import WebSocketTransformer

__all__ = [
    "CLOSE_TIMEOUT",
    "MASKED",
    "Corking",
    "Engine",
    "EngineOptions",
    "HostedTransport",
    "Intake",
    "Opened",
    "ShortTexts",
    "WebSocketTransformer",
    "accept_key",
    "bounds",
    "chosen_subprotocol",
    "framed",
    "is_close_code",
    "refusal",
    "server_frame",
    "switching",
    "text_frame",
    "utf8",
]
