"""What is measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .contestants import (
    ENGINES,
    LOOPS,
    REFERENCE,
    Contestant,
    clusters,
    contestants,
    ours,
    polled,
    readers,
    reference,
    sharing,
    sites,
    sockjs,
    upgrading,
)
from .load.messages import DIALECTS

__all__ = ["READERS", "Scenario", "chosen", "scenarios", "together"]

READERS = (1, 2, 4, 8, 16, 64)
"""How many servers read one bus."""


@dataclass(frozen=True)
class Scenario:
    """One column of a table.

    ``job`` are the fields of `Job` that it sets, and ``choose`` picks the contestants. With
    ``fresh`` every measurement gets a server of its own.
    """

    name: str
    group: str
    title: str
    job: dict[str, Any]
    choose: Callable[[], list[Contestant]] = contestants
    fresh: bool = False
    servers: int = 0
    """How many servers share a Redis; 0 for one that has none."""
    beside: str = ""
    """The name of the scenario that it adds something to; both are measured in the same rounds."""

    @property
    def mode(self) -> str:
        """What the servers do with a message."""
        return "broadcast" if self.job["kind"] == "broadcast" else "echo"


def scenarios() -> list[Scenario]:
    """All of them."""
    return [
        *(*_echoes(), *_broadcasts(), *_others(), *_added(), *_growth()),
        *(*_sharing(), *_clusters(), *_readers()),
    ]


def chosen(only: Collection[str]) -> list[Scenario]:
    """Those whose group or name is in `only`, and what they add something to; all for nothing."""
    there = scenarios()
    named = [one for one in there if not only or one.group in only or one.name in only]
    names = {one.name for one in named} | {one.beside for one in named}
    return [one for one in there if one.name in names]


def together(some: Iterable[Scenario]) -> list[list[Scenario]]:
    """Those of `some` that are measured in the same rounds: each with what is beside it."""
    groups: dict[str, list[Scenario]] = {}
    for scenario in some:
        groups.setdefault(scenario.beside or scenario.name, []).append(scenario)
    return list(groups.values())


def _echoes() -> list[Scenario]:
    def echo(name: str, title: str, **job: Any) -> Scenario:
        return Scenario(name, "echo", title, {"kind": "echo", **job})

    return [
        echo("one", "1 connection", connections=1),
        echo("many", "50 connections", connections=50),
        echo("burst", "50, bursts of 8", connections=50, window=8),
        echo("flight", "50, 8 under way", connections=50, window=8, split=True),
        echo("many-4k", "50, 4 KB", connections=50, size=4096),
        echo("burst-4k", "50, bursts of 8, 4 KB", connections=50, window=8, size=4096),
    ]


def _broadcasts() -> list[Scenario]:
    job = {"kind": "broadcast", "connections": 500}
    return [
        Scenario("broadcast", "broadcast", "to 500", job, _speaking),
        Scenario("broadcast-4k", "broadcast", "to 500, 4 KB", {**job, "size": 4096}, _speaking),
    ]


def _others() -> list[Scenario]:
    storm = {"kind": "connects", "window": 20}
    idle = {"kind": "idle", "connections": 5000}
    poll = {"kind": "polling", "connections": 50}
    tail = {"connections": 20}
    return [
        Scenario("flood", "tails", "beside a flood", {"kind": "flood", **tail}, sites),
        Scenario("steady", "tails", "a third of the capacity", {"kind": "steady", **tail}, sites),
        Scenario("connects", "connects", "connects", storm, _plain),
        Scenario("idle", "idle", "5,000 idle", idle, _speaking, fresh=True),
        Scenario("polling", "polling", "50 sessions", poll, _polling),
        Scenario("sockjs-xhr", "sockjs", "polling", poll, _sockjs("xhr")),
        Scenario("sockjs-stream", "sockjs", "streaming", poll, _sockjs("xhr_streaming")),
    ]


def _growth() -> list[Scenario]:
    return [
        Scenario(
            f"grow-{count}",
            "growth",
            f"{count:,} connections",
            {"kind": "echo", "connections": count},
            _without_pings,
            fresh=True,
        )
        for count in (100, 1000, 10_000)
    ]


def _sharing() -> list[Scenario]:
    job = {"kind": "echo", "connections": 200}
    return [
        Scenario(
            f"ports-{count}",
            "ports",
            f"{count} process{'es' * (count > 1)}",
            job,
            partial(sharing, count),
            fresh=True,
        )
        for count in (1, 2, 4)
    ]


def _clusters() -> list[Scenario]:
    def cluster(
        name: str, title: str, servers: int, members: int, rate: float, rooms: int = 1
    ) -> Scenario:
        job = {"kind": "rooms", "connections": members, "rooms": rooms, "rate": rate}
        return Scenario(name, "rooms", title, job, clusters, servers=servers)

    return [
        cluster("2x100", "2 servers, a room of 100", 2, 100, 100.0),
        cluster("4x100x10", "4 servers, 100 rooms of 10", 4, 10, 200.0, 100),
        cluster("2x1000", "2 servers, a room of 1,000", 2, 1000, 20.0),
    ]


def _readers() -> list[Scenario]:
    return [
        Scenario(
            f"readers-{count}",
            "readers",
            f"{count}",
            {"kind": "readers", "connections": count, "rate": 200.0},
            partial(readers, count),
            fresh=True,
            servers=1,
        )
        for count in READERS
    ]


ANSWERING = [
    ("emitter", "emitter", "an event of `emitter`, acknowledged"),
    ("responder", "responder", "a request of `responder`"),
    ("resource", "emitter, resource", "a call of `resource`"),
    ("backbone", "emitter, backbone", "a model of `backbone`"),
    ("substream", "substream", "a message of `substream`"),
    ("multiplex", "multiplex", "a message of `multiplex`"),
]
"""Plugins that answer: the name and how messages are wrapped, what is plugged in, the title."""


GUARDING = [
    ("mirage", "mirage", "session ids of `mirage`"),
    ("spark-latency", "spark-latency", "`spark-latency`"),
    ("session", "session", "`session`, not asked"),
    ("fortress", "fortress-maximus", "a validator of `fortress-maximus`"),
    ("analytics", "analytics", "`analytics`, of which clients have all"),
    ("primacron", "mirage, fortress-maximus, emit-broadcast", "what `Primacron` adds to a message"),
]
"""Plugins that let messages pass: the name, what is plugged in, the title."""


def _added() -> list[Scenario]:
    small = {"kind": "echo", "connections": 50}
    large = {**small, "size": 4096}
    jammed = {"kind": "broadcast", "connections": 200, "size": 4096}
    drop = {"slow_consumer": "drop", "high_water": 16384}
    return [
        Scenario("plain", "added", "nothing added", small, _engines),
        _beside("plain", "transform", "a transform each way", small, transforms=1),
        _beside("plain", "listeners", "three listeners", small, listeners=3),
        *(
            _beside("plain", name, title, small, options={"plugin": plugins}, dialect=name)
            for name, plugins, title in ANSWERING
        ),
        *(
            _beside(
                "plain",
                name,
                title,
                small,
                options={"plugin": plugins},
                dialect=name if name in DIALECTS else "plain",
            )
            for name, plugins, title in GUARDING
        ),
        Scenario("plain-4k", "added", "nothing added, 4 KB", large, _engines),
        _beside(
            "plain-4k",
            "compression",
            "compression, 4 KB",
            {**large, "compressed": True},
            options={"compression": True},
        ),
        Scenario("prompt", "added", "broadcast to 200, 4 KB", jammed, _with(options=drop)),
        _beside(
            "prompt", "slow", "the same, 20 more do not read", {**jammed, "deaf": 20}, options=drop
        ),
    ]


def _beside(plain: str, name: str, title: str, job: dict[str, Any], **settings: Any) -> Scenario:
    """One that adds `settings` to our engines."""
    return Scenario(name, "added", title, job, _with(**settings), beside=plain)


def _speaking() -> list[Contestant]:
    return [one for one in contestants() if not one.raw]


def _plain() -> list[Contestant]:
    """Those whose connections are open with the handshake."""
    return [*(one for one in _speaking() if one.dialect == "plain"), upgrading()]


def _polling() -> list[Contestant]:
    return [*(one.polling() for one in _speaking() if one.dialect != "plain"), *polled()]


def _sockjs(kind: str) -> Callable[[], list[Contestant]]:
    return lambda: [one.polling(kind) for one in sockjs()]


def _engines() -> list[Contestant]:
    """Primus on Node, and each of our engines on its best loop."""
    names = [REFERENCE, *(f"primus {engine} {LOOPS[0]}" for engine in ENGINES)]
    return [one for one in contestants() if one.name in names]


def _without_pings() -> list[Contestant]:
    """Primus on Node and our engines; so many connections take their time to be opened."""
    minutes = _with(options={"timeout": 700.0, "ping_interval": 600.0})
    faye = [one for one in contestants() if one.name == "node primus faye"]
    return [*reference(), *faye, *minutes()]


def _with(**settings: Any) -> Callable[[], list[Contestant]]:
    """Our engines with something added."""

    def varied() -> list[Contestant]:
        there = {one.name for one in contestants()}
        names = {engine: f"primus {engine} {LOOPS[0]}" for engine in ENGINES}
        return [ours(name, engine, **settings) for engine, name in names.items() if name in there]

    return varied
