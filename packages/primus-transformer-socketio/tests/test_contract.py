"""The contracts of every transformer and of those that are polled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from primus_testing import PollingContract, Running, TransformerContract
from primus_testing.transformer.heartbeats import HeartbeatsContract
from primus_testing.transformer.limits import LimitsContract
from primus_testing.transformer.messages import MessagesContract
from primus_testing.transformer.ordering import OrderingContract
from primus_transformer_socketio.packets import MARK, packets, payload, text_of

QUICK: Mapping[str, Any] = {"close_timeout": 0.2, "linger": 0.05}


STILL: Mapping[str, Any] = {
    **QUICK,
    "heartbeat_interval": 9e3,
    "poll_timeout": 9e3,
    "poll_duration": 8e3,
    "linger": 1.0,
}
"""The contract moves the clock by minutes, and watches the heartbeat of Primus only."""


class TestWebSocket(TransformerContract):
    transformer = "socket.io"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestPolling(MessagesContract, OrderingContract, LimitsContract, HeartbeatsContract):
    transformer = "socket.io"
    options: ClassVar[dict[str, Any]] = {"transport": {**STILL, "transports": ["xhr-polling"]}}


class TestXHRPolling(PollingContract):
    transformer = "socket.io"
    options: ClassVar[dict[str, Any]] = {"transport": QUICK}
    statuses: ClassVar[dict[str, int]] = {"unknown": 404, "garbage": 400, "method": 405}
    patience = 1.0
    limits: ClassVar[dict[str, Any]] = {"max_payload": 4000, "body_timeout": 10.0}
    garbage = (
        b"",
        b"abc",
        b"\xff\xfe",
        b"9::",
        b"3",
        f"{MARK}5{MARK}3:::".encode(),
        f"{MARK}9999999999{MARK}3:::".encode(),
        f"{MARK}99999999999{MARK}3:::".encode(),
        f"{MARK}-4{MARK}3:::".encode(),
        f"{MARK}{MARK}3:::".encode(),
        f"{MARK}3:::".encode(),
        f"{MARK}\u0664{MARK}3:::".encode(),
    )

    async def begin(self, server: Running, query: str = "") -> str:
        answer = await server.get(f"/primus/1/?t=1{query}")
        assert answer.status == 200, answer
        session = answer.text.split(":")[0]
        opened = await server.get(self.poll_path(session) + query)
        assert opened.text == "1::", opened
        return session

    def poll_path(self, session: str) -> str:
        return f"/primus/1/xhr-polling/{session}?t=1"

    post_path = poll_path

    def posted(self, *frames: str) -> bytes:
        return payload([f"3:::{frame}" for frame in frames]).encode()

    def fetched(self, text: str) -> list[str]:
        return [frame for each in packets(text) if (frame := text_of(each)) is not None]


class TestPassedOn(TestXHRPolling):
    """By another worker, request by request."""

    host = "relayed"
