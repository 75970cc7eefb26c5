"""The contract of transformers that are polled, on every host: every limit attacked."""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar

from primus_testing import PollingContract, Running
from primus_testing.server import Answer
from primus_transformer_browserchannel.chunks import ChunkReader, parse_arrays
from primus_transformer_browserchannel.maps import form

BIND = "/primus/bind?VER=8"


def frames(text: str) -> list[str]:
    """The messages in the chunks of an answer."""
    arrays = [
        array
        for chunk in ChunkReader(1 << 24).read(text.encode())
        for array in parse_arrays(chunk, 10_000)
    ]
    return [array.data for array in arrays if isinstance(array.data, str)]


class TestPolling(PollingContract):
    transformer = "browserchannel"
    options: ClassVar[dict[str, Any]] = {"transport": {"close_timeout": 0.2}}
    statuses: ClassVar[dict[str, int]] = {"unknown": 400, "garbage": 400, "method": 405}
    limits: ClassVar[dict[str, Any]] = {"max_payload": 4000, "body_timeout": 10.0}
    patience = 30.0
    garbage = (
        b"",
        b"abc",
        b"\xff\xfe",
        b"count=x",
        b"count=1",
        b"count=1&ofs=x&req0__S=x",
        b"count=-1&ofs=0",
        b"count=1001&ofs=0",
        b"count=1&ofs=5000&req0__S=x",
        b"&" * 4003,
        b'count=1&ofs=0&req0_JSON="x',
        b'count=1&ofs=0&req0_JSON="x"y',
    )
    _ids = count(1)

    def setup_method(self) -> None:
        self.rids: dict[str, int] = {}
        self.posts: dict[str, int] = {}

    async def begin(self, server: Running, query: str = "") -> str:
        rid = next(self._ids)
        answer = await server.get(f"{BIND}&RID={rid}{query}", "POST", data=b"count=0")
        assert answer.status == 200, answer
        (chunk,) = ChunkReader(1 << 20).read(answer.text.encode())
        opening, *_ = parse_arrays(chunk, 10)
        assert isinstance(opening.data, list)
        session = str(opening.data[1])
        self.rids[session] = rid
        return session

    def poll_path(self, session: str) -> str:
        return f"{BIND}&SID={session}&RID=rpc&CI=1&AID=0&TYPE=xmlhttp"

    def post_path(self, session: str) -> str:
        self.rids[session] = rid = self.rids.get(session, 0) + 1
        return f"{BIND}&SID={session}&RID={rid}&AID=0"

    def posted(self, *frames: str) -> bytes:
        return form(0, frames)

    async def post(self, server: Running, session: str, body: bytes) -> Answer:
        before = self.posts.get(session, 0)
        self.posts[session] = before + body.count(b"__S=")
        return await super().post(server, session, body.replace(b"&ofs=0&", b"&ofs=%d&" % before))

    def fetched(self, text: str) -> list[str]:
        return frames(text)


class TestOnItsOwn(TestPolling):
    host = "own"


class TestUnderAsgi(TestPolling):
    host = "asgi"


class TestPassedOn(TestPolling):
    """By another worker, request by request."""

    host = "relayed"
