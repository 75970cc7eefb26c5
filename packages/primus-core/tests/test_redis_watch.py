"""A watch on a client that is a fake: the core has no client of Redis."""

import asyncio
from types import SimpleNamespace
from typing import Any

from primus.redis_watch import RedisWatch, close_idle
from primus_testing import eventually


class Connection:
    """A connection that answers, until it is told to be mute."""

    def __init__(self, sent: list[Any]) -> None:
        self.sent = sent
        self.is_mute = False
        self._answers: asyncio.Queue[Any] = asyncio.Queue()

    async def connect(self) -> None: ...

    async def disconnect(self, *, nowait: bool) -> None: ...

    async def send_command(self, *command: str) -> None:
        self.sent.append(command)
        if not self.is_mute:
            self._answers.put_nowait([command[0].lower(), "", ""])

    async def read_response(self, timeout: float | None = None) -> Any:
        try:
            async with asyncio.timeout(timeout):
                return await self._answers.get()
        except TimeoutError:
            return None


async def test_a_connection_through_which_nothing_comes_any_more_is_lost() -> None:
    sent: list[Any] = []
    lost: list[bool] = []
    connection = Connection(sent)
    kind = lambda **options: connection  # noqa: E731
    redis = SimpleNamespace(
        connection_pool=SimpleNamespace(connection_kwargs={}, connection_class=kind)
    )
    watch = RedisWatch(
        redis, channels=["talk"], limit=0.01, silence=0.001, lost=lambda: lost.append(True)
    )
    await watch.open()
    await eventually(lambda: sent.count(("PING",)) > 2)
    assert watch.is_open

    connection.is_mute = True

    await eventually(lambda: lost == [True])
    assert not watch.is_open


async def test_a_client_that_cannot_close_its_connections_is_left_alone() -> None:
    async def disconnect(*, inuse_connections: bool) -> None:
        await asyncio.Event().wait()

    pool = SimpleNamespace(disconnect=disconnect)
    await close_idle(SimpleNamespace(connection_pool=pool), 0.001)
