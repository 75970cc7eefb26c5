"""A transformer whose connections live for one POST: a frame in, all frames out."""

from __future__ import annotations

from primus import Request, Response, Transformer, Transport, hookimpl
from primus.browser import Browser


class Frames(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def send(self, frame: str | bytes) -> None:
        assert isinstance(frame, str)
        self.sent.append(frame)

    def close(self, code: int | None = None, reason: str = "") -> None:
        if self.connection is not None:
            self.connection.lost()

    abort = close
    buffered = 0

    def limit(self, high_water: int) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Plain(Transformer):
    name = "plain"

    async def request(self, request: Request) -> Response:
        frames = Frames()
        spark = self.primus.accept(frames, request)
        spark.feed((await request.read()).decode())
        spark.end(reconnect=True)
        return Response.json(frames.sent)

    async def upgrade(self, request: Request) -> Response:
        return Response.error(426)

    @classmethod
    def browser(cls) -> Browser:
        return Browser(client="export default function connect(wire) { return wire; }")


@hookimpl
def primus_transformer() -> type[Plain]:
    return Plain
