"""Servers that share one Redis: with metroplex and omega-supreme, of Node too, or on a bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from .casts import OURS_IN_PYTHON
from .inbox import DEADLINE
from .network import free_port
from .node import installed, node
from .parties import Client, Server
from .process import ProcessPeer
from .redis import RedisServer
from .stage import Stage
from .tools import PEERS

SECRET = "a secret that all servers share"
INTERVAL, LATENCY = 2.0, 0.5
"""The lease of a server, and how long a command may take, in seconds."""

LONG_INTERVAL, LONG_LATENCY = 60.0, 5.0
"""The same where no lease has to end: on a busy machine none does, nor is an answer late."""

LEASE = 1.0
"""The lease of a server on a bus, in seconds."""

START = 300.0
"""Seconds that a process gets to start on a busy machine, beside others that start."""


class Member(Server):
    """One server of the cluster."""

    is_registered = True
    """Whether the registry knows it and its sparks."""
    _mark = 0

    @property
    def address(self) -> str:
        """What the registry calls it."""
        return f"http://127.0.0.1:{self.port}"

    async def whereis(self, spark: str) -> str | None:
        """The address of the server that has a spark, as this one finds it."""
        place = await self.ask("whereis", spark=spark)
        return None if place is None else str(place)

    async def forward(self, how: str, *arguments: Any) -> Any:
        """The reply of ``forward``, or of its method of that name, or the error of either."""
        return await self.ask("forward", how=how, arguments=list(arguments))

    async def flow(
        self, how: str, *to: Any, first: int, count: int, pause: float | None = None
    ) -> dict[str, Any]:
        """Send so many numbers, all at once or with pauses, and wait for all replies.

        Args:
            how: a method of ``forward``; ``room`` for a message to a room by its adapter.
            to: what comes before the message.
            first: the first number, and `count` how many there are.
            count: of numbers.
            pause: seconds between two; `None` to send all at once.

        Returns:
            The numbers that ``failed``, and the ``errors``, each once.
        """
        asked = {"how": how, "to": list(to), "first": first, "count": count, "pause": pause}
        result: dict[str, Any] = await self.ask("flow", **asked)
        return result

    async def bus(self) -> dict[str, Any]:
        """What it knows of the bus: ``healthy``, the other ``nodes`` and its ``counts``."""
        known: dict[str, Any] = await self.ask("bus")
        return known

    async def is_on_bus(self, *names: str) -> bool:
        """Whether the bus brings it messages, and it knows these servers."""
        known = await self.bus()
        return bool(known["healthy"] and set(names) <= set(known["nodes"]))

    def mark(self) -> None:
        """Let `lines` begin here."""
        self._mark = len(self.process.stderr)

    def lines(self, *parts: str) -> list[str]:
        """What a server of ours has logged since `mark`: warnings and worse with such a part."""
        logged = self.process.stderr[self._mark :]
        return [
            line
            for line in logged
            if line.startswith(("WARNING", "ERROR")) and any(part in line for part in parts)
        ]


@dataclass
class Cluster:
    """A Redis, and servers that share it; `client` asks that Redis."""

    redis: RedisServer
    client: Any
    peers: list[ProcessPeer] = field(default_factory=list)

    async def members(self, *kinds: str, lasts: bool = False, **options: Any) -> list[Member]:
        """Servers, each in a process of its own, registered; `lasts` is for those whose leases do
        not end while the test runs.
        """
        return await asyncio.gather(*(self._member(kind, lasts, options) for kind in kinds))

    async def _member(self, kind: str, lasts: bool, options: dict[str, Any]) -> Member:
        units = 1.0 if kind == OURS_IN_PYTHON else 1000.0
        peer = await self._process(kind)
        member, port = Member(peer), free_port()
        settings = {**self._registered(port, units), **options}
        if lasts:
            settings |= {"interval": LONG_INTERVAL * units, "latency": LONG_LATENCY * units}
        where = {"port": port, "redis": self.redis.port}
        member.port = await peer.ask("listen", member.on, within=START, options=settings, **where)
        if "address" not in options:
            await self.until(lambda: self.knows(member))
        return member

    async def on_bus(
        self, *names: str, within: Sequence[ProcessPeer] = (), **options: Any
    ) -> list[Member]:
        """Servers of ours on a bus by these names, which know one another.

        Args:
            names: of the servers.
            within: the processes that they live in; each gets its own where this is empty.
            options: of the servers; ``plugin`` may add others.
        """
        peers = within or [await self._process(OURS_IN_PYTHON) for _ in names]
        members = [
            await self._listen_on_bus(peer, name, options)
            for peer, name in zip(peers, names, strict=True)
        ]
        for member in members:
            await self.until(lambda member=member: member.is_on_bus(*names))
        return members

    async def _listen_on_bus(self, peer: ProcessPeer, name: str, options: dict[str, Any]) -> Member:
        member, port = Member(peer), free_port()
        settings: dict[str, Any] = {
            "plugin": "rooms backplane",
            "backplane": self.redis.url,
            "backplane_lease": LEASE,
            "node": name,
            **options,
        }
        member.is_registered = "metroplex" in settings["plugin"]
        if member.is_registered:
            settings = {**self._registered(port, 1.0), **settings}
        redis = self.redis.port if member.is_registered else None
        member.port = await peer.ask(
            "listen", member.on, within=START, options=settings, port=port, redis=redis
        )
        if member.is_registered and "address" not in options:
            await self.until(lambda: self.knows(member))
        return member

    async def _process(self, kind: str) -> ProcessPeer:
        title = f"{kind} member"
        if kind == OURS_IN_PYTHON:
            peer = await ProcessPeer.fork(PEERS / "cluster.py", title=title)
        else:
            folder = installed(int(kind.removeprefix("node")))
            peer = await ProcessPeer.start(*node(), PEERS / "cluster.js", folder, title=title)
        self.peers.append(peer)
        return peer

    @staticmethod
    def _registered(port: int, units: float) -> dict[str, Any]:
        """The options of a server in the registry."""
        return {
            "interval": INTERVAL * units,
            "latency": LATENCY * units,
            "password": SECRET,
            "address": f"http://127.0.0.1:{port}",
        }

    async def close(self) -> None:
        """Kill all members. None of ours may have logged a traceback."""
        for peer in self.peers:
            await peer.kill()
            said = "".join(peer.stderr)
            assert "Traceback" not in said or peer.title.startswith("node"), said

    async def client_of(self, stage: Stage, kind: str, member: Member) -> tuple[Client, str]:
        """A client of a member, which the registry knows, and the id of its spark."""
        client = await stage.client(kind)
        await client.connect(member.url())
        spark = await member.connection()
        if member.is_registered:
            await self.until(lambda: self.finds(spark, member))
        return client, spark

    # -- what is in Redis

    async def knows(self, member: Member) -> bool:
        """Whether a member is in the registry."""
        return bool(await self.client.sismember("metroplex:servers", member.address))

    async def finds(self, spark: str, member: Member) -> bool:
        """Whether a spark is in the registry, at a member."""
        found = await self.client.hget("metroplex:sparks", spark)
        own = await self.client.sismember(f"metroplex:{member.address}:sparks", spark)
        return bool(found == member.address and own)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> float:
        """Wait until `condition` holds; how many seconds that took."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.timeout(DEADLINE):
            while not await condition():
                await asyncio.sleep(0.01)
        return loop.time() - begun


@asynccontextmanager
async def cluster_in(folder: Path) -> AsyncIterator[Cluster]:
    """A cluster without members, until the end of the block."""
    redis = RedisServer(folder)
    await redis.start()
    patient = Retry(ConstantBackoff(0.02), 100)  # it looks at a Redis that comes and goes
    try:
        async with Redis.from_url(redis.url, decode_responses=True, retry=patient) as client:
            cluster = Cluster(redis, client)
            try:
                yield cluster
            finally:
                await cluster.close()
    finally:
        await redis.stop()
