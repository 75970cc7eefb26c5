"""The contracts of every transformer and of those that are polled, over each way of a session."""

from typing import Any, ClassVar

from primus_testing import PollingContract, Running, TransformerContract
from primus_testing.transformer.limits import LimitsContract
from primus_testing.transformer.messages import MessagesContract
from primus_testing.transformer.ordering import OrderingContract
from primus_transformer_engineio.revision3 import Revision3
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.revisions import Revision

STILL = {"ping_interval": 9e3, "close_timeout": 0.2}
"""The contract moves the clock by minutes, and watches the heartbeat of Primus only."""


class TestUpgrading(TransformerContract):
    transformer = "engine.io"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestPolling(MessagesContract, OrderingContract, LimitsContract):
    transformer = "engine.io"
    options: ClassVar[dict[str, Any]] = {"transport": {**STILL, "transports": ["polling"]}}


class TestRevision4(PollingContract):
    transformer = "engine.io"
    options: ClassVar[dict[str, Any]] = {"transport": {"close_timeout": 0.2}}
    statuses: ClassVar[dict[str, int]] = {"unknown": 400, "garbage": 400, "method": 400}
    limits: ClassVar[dict[str, Any]] = {"max_payload": 4000, "body_timeout": 10.0}
    garbage = (b"", b"abc", b"\xff\xfe", b"bnot base64", b"9", b"\x1e\x1e", b"2")
    revision: ClassVar[Revision] = Revision4()

    def at(self, rest: str) -> str:
        return f"/primus/?EIO={self.revision.number}&transport=polling&b64=1{rest}"

    async def begin(self, server: Running, query: str = "") -> str:
        answer = await server.get(self.at(query))
        assert answer.status == 200, answer
        first, *_ = self.revision.packets(answer.text)
        assert isinstance(first, str)
        return first.split('"')[3]

    def poll_path(self, session: str) -> str:
        return self.at(f"&sid={session}")

    post_path = poll_path

    def posted(self, *frames: str) -> bytes:
        return self.revision.text(["4" + frame for frame in frames]).encode()

    def fetched(self, text: str) -> list[str]:
        packets = [str(packet) for packet in self.revision.packets(text)]
        return [packet[1:] for packet in packets if packet.startswith("4")]


class TestRevision3(TestRevision4):
    garbage = (
        b"abc",
        b"\xff\xfe",
        b"3:4x",
        b"1:9",
        b"0:",
        b":4",
        b"9999999999:4",
        b"1:3",
        b"4:b4!!",
    )
    revision = Revision3(json=True)


class TestHandedOver(TestRevision4):
    """By another worker, with the connection of each request."""

    host = "handed"


class TestPassedOn(TestRevision4):
    """By another worker, request by request."""

    host = "relayed"


class TestUpgradingThroughAnotherWorker(MessagesContract):
    transformer = "engine.io"
    host = "relayed"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}
