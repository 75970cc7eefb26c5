"""How late messages are while something befalls servers on a bus: the times of docs/scale.md.

    python integration-tests/measure_bus_faults.py [SECONDS]

Three servers share a bus; a client of the first one lets it write to a room 20 times a second, and
a client of each server is in that room and asks for an echo as often. Each fault lasts for so many
seconds (8 unless it is said); what of it is an instant is one. The longest delays are printed in
milliseconds, which include those of this process and of the machine: see the line `nothing`.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.cluster import Cluster, Member, cluster_in
from primus import Primus
from test_bus_faults import BUSY, OUTAGES, cut, flush

RATE = 20
"""How many messages, and echoes of each server, there are a second."""
SERVERS = "abc"
now = asyncio.get_running_loop
Act = Callable[[], Awaitable[None]]


@dataclass
class Ear:
    """A client of one server."""

    socket: Any
    heard: list[tuple[int, float]] = field(default_factory=list)
    """What it has heard of the room, and when."""
    asked: dict[int, float] = field(default_factory=dict)
    echoed: dict[int, float] = field(default_factory=dict)

    def take(self, message: Any) -> None:
        """Take note of a message."""
        match message:
            case {"joined": _}:
                pass
            case int():
                self.heard.append((message, now().time()))
            case [number]:
                self.echoed[number] = now().time()


@dataclass
class Run:
    """One fault of all: what was written, and what was heard."""

    sent: dict[int, float]
    ears: list[Ear]
    begun: float
    ended: float
    lines: list[int]

    def row(self, name: str) -> str:
        """The figures, as a row of a table."""
        wrong = [self._wrong(ear) for ear in self.ears]
        delays = [self._delays(ear) for ear in self.ears]
        echoes = [
            max((ear.echoed.get(n, now().time()) - at for n, at in ear.asked.items()), default=0)
            for ear in self.ears
        ]
        cells = [
            name,
            " ".join("/".join(map(str, each)) for each in wrong),
            " ".join(f"{1000 * during:.0f}" for during, _ in delays),
            " ".join(f"{1000 * after:.0f}" for _, after in delays),
            " ".join(f"{1000 * each:.0f}" for each in echoes),
            " ".join(map(str, self.lines)),
        ]
        return "| " + " | ".join(cells) + " |"

    def _wrong(self, ear: Ear) -> tuple[int, int, int]:
        numbers = [number for number, _ in ear.heard]
        twice = sum(count > 1 for count in Counter(numbers).values())
        return (
            len(self.sent.keys() - set(numbers)),
            twice,
            sum(one > two for one, two in pairwise(numbers)),
        )

    def _delays(self, ear: Ear) -> tuple[float, float]:
        """The longest delay of all, and the longest one after the end of the fault."""
        delays = [(at - self.sent[n], at - max(self.sent[n], self.ended)) for n, at in ear.heard]
        return max(each for each, _ in delays), max(each for _, each in delays)


async def until(condition: Callable[[], object], seconds: float) -> None:
    """Wait until something holds, or for so long."""
    till = now().time() + seconds
    while not condition() and now().time() < till:
        await asyncio.sleep(0.005)


async def connected(member: Member) -> Ear:
    """A client of a server, in the room."""
    ear = Ear(Primus.create_socket(transformer="websockets")(member.url()))
    opened = asyncio.Event()
    ear.socket.on("open", opened.set)
    ear.socket.on("data", ear.take)
    await opened.wait()
    ear.socket.write({"join": "news"})
    return ear


async def measured(cluster: Cluster, members: list[Member], begin: Act, end: Act) -> Run:
    """What is heard while something begins and ends."""
    for member in members:
        await cluster.until(lambda member=member: member.is_on_bus(*SERVERS))
        member.mark()
    ears = [await connected(member) for member in members]
    writer = await connected(members[0])
    loop, sent, going = now(), {}, True
    await asyncio.sleep(0.3)

    async def write() -> None:
        number, at = 0, loop.time()
        while going:
            number += 1
            sent[number] = loop.time()
            writer.socket.write({"say": ["news", number]})
            for ear in ears:
                ear.asked[number] = loop.time()
                ear.socket.write({"echo": [number]})
            at += 1 / RATE
            await asyncio.sleep(max(0.0, at - loop.time()))

    writing = asyncio.create_task(write())
    await asyncio.sleep(1.0)
    begun = loop.time()
    await begin()
    await end()
    ended = loop.time()
    await asyncio.sleep(2.0)
    going = False
    await writing
    living = [ear for ear, member in zip(ears, members, strict=True) if is_alive(member)]
    await until(lambda: all(len(ear.heard) >= len(sent) for ear in living), 10.0)
    for ear in [*ears, writer]:
        ear.socket.destroy()
    lines = [len(member.lines("backplane")) for member in members if is_alive(member)]
    return Run(sent, living, begun, ended, lines)


def is_alive(member: Member) -> bool:
    """Whether its process runs."""
    return member.process._process.returncode is None


def faults_of(cluster: Cluster, victim: Member, seconds: float) -> dict[str, tuple[Act, Act]]:
    """What begins each fault, and what ends it."""

    async def nothing() -> None:
        pass

    async def hold() -> None:
        await asyncio.sleep(seconds)

    def held(end: Callable[[Cluster], Awaitable[None]]) -> Act:
        async def ended() -> None:
            await hold()
            await end(cluster)

        return ended

    async def again() -> None:
        await cluster.redis.kill()
        await cluster.redis.start()

    async def slow() -> None:
        till = now().time() + seconds
        while now().time() < till:
            await cluster.client.eval(BUSY, 0)

    async def freeze() -> None:
        victim.process.freeze()

    async def thaw(cluster: Cluster) -> None:
        victim.process.thaw()

    outages = {
        f"Redis {name}": (partial(begin, cluster), held(end))
        for name, (begin, end) in OUTAGES.items()
    }
    return {
        "nothing": (nothing, hold),
        **outages,
        "Redis restarted, empty": (again, nothing),
        "FLUSHALL": (partial(flush, cluster), nothing),
        "all clients of Redis killed, 10 times": (partial(cut, cluster), nothing),
        "each answer of Redis takes 0.3 s": (nothing, slow),
        "server B stopped": (freeze, held(thaw)),
        "server B killed": (victim.process.kill, hold),
    }


async def main(seconds: float) -> None:
    """Measure one fault behind the other."""
    with tempfile.TemporaryDirectory() as folder:
        async with cluster_in(Path(folder)) as cluster:
            members = await cluster.on_bus(*SERVERS, backplane_lease=3.0)
            print(
                "| fault | lost/twice/inverted at A B C | delay | behind its end | echo | lines |"
            )
            print("|---|---|---|---|---|---|")
            for name, (begin, end) in faults_of(cluster, members[1], seconds).items():
                run = await measured(cluster, members, begin, end)
                print(run.row(name), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 8.0))
