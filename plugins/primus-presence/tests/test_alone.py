"""The presence of one server, on a bus that is a list."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from primus import Primus, Spark
from primus_presence import PresenceError
from primus_presence.limits import DEFAULT_LIMITS
from primus_presence.options import Chosen
from primus_presence.plugin import primus_control
from primus_presence.presence import Presence
from primus_testing import ManualClock, MemoryTransformer, eventually


class Bus:
    """Notes what is asked of it."""

    writer = "n0.1"
    healthy = True

    def __init__(self) -> None:
        self.settings = SimpleNamespace(lease=9.0)
        self.nodes = [SimpleNamespace(name="n0", incarnation="1")]
        self.story: list[Any] = []
        self.listeners: dict[str, Any] = {}
        self.may_tell = asyncio.Event()
        self.may_tell.set()

    def carry(self, kind: str, fn: Any) -> None:
        """Bring messages of a kind."""
        self.story.append(("carry", kind))
        self.listeners[kind] = fn

    def drop(self, kind: str) -> None:
        """Bring none any more."""
        self.story.append(("drop", kind))
        del self.listeners[kind]

    def on(self, event: str, fn: Any) -> None:
        """Tell of an event."""
        self.listeners[event] = fn

    def off(self, event: str, fn: Any) -> None:
        """Tell no more."""
        assert self.listeners.pop(event) == fn

    def post(self, kind: str, head: Any, room: str, frame: bytes, *, key: str) -> None:
        """To all servers."""
        self.story.append((head["is"], frame.decode()))

    async def tell(self, node: str, kind: str, head: Any, room: str, frame: bytes) -> bool:
        """To one server."""
        await self.may_tell.wait()
        self.story.append((node, head["is"]))
        return True


class OnBus:
    """A presence, and what it stands on."""

    def __init__(self, bus: Bus | None, *, max_length: int = 10**6, grace: float = 5.0) -> None:
        self.clock = ManualClock()
        self.sparks: dict[str, Any] = {}
        self.bus: Any = bus
        self.primus: Any = SimpleNamespace(
            log=logging.getLogger("primus.server"),
            node="n0",
            options=SimpleNamespace(clock=self.clock, max_length=max_length),
            spark=self.sparks.get,
        )
        if bus is not None:
            self.primus.backplane = bus
        self.presence = Presence(self.primus, Chosen(100, grace))

    def spark(self, id: str, *, has_plugin: bool = False) -> Any:
        """A connection."""
        query = SimpleNamespace(text=lambda name: "1" if has_plugin else "")
        sent: list[Any] = []
        spark = SimpleNamespace(id=id, ready_state=Spark.OPEN, query=query, sent=sent)
        spark.send_control = lambda *args: sent.append(args)
        made: Any = Named(spark)
        self.sparks[id] = made
        return made


class Named:
    """A spark that can be a key."""

    def __init__(self, spark: SimpleNamespace) -> None:
        vars(self).update(vars(spark))


async def test_what_waits_is_told_before_a_server_says_that_it_ends() -> None:
    made = OnBus(Bus())
    made.presence.begin()
    made.presence.track(made.spark("s1"), "lobby", "ann", 7)
    made.bus.story.clear()

    made.presence.close()
    made.presence.close()

    kinds = [kind for kind, *_ in made.bus.story]
    assert kinds[-1] == "bye"
    assert kinds.count("bye") == 1
    assert any("ann" in frame for _, frame in made.bus.story)
    made.presence.stop()


async def test_a_server_that_stops_gives_back_all_that_it_holds() -> None:
    made = OnBus(Bus())
    made.presence.begin()
    made.presence.track(made.spark("s1"), "lobby", "ann")
    made.bus.may_tell.clear()
    made.presence.answer("n1", iter([({"is": "all"}, b"")]))
    await asyncio.sleep(0)
    (answering,) = made.presence._answers.values()

    made.presence.stop()

    assert ("drop", "presence") in made.bus.story
    assert "bye" in [kind for kind, *_ in made.bus.story]
    assert made.bus.listeners == {}
    assert made.clock.pending == 0
    assert made.presence._answers == {}
    await eventually(answering.done)
    assert answering.cancelled()


async def test_a_server_that_has_stopped_hears_nothing_and_sets_no_timer() -> None:
    made = OnBus(Bus())
    made.presence.begin()
    arrived = made.bus.listeners["presence"]
    made.presence.stop()

    arrived(SimpleNamespace(is_own=False, writer="n1.1", head={"is": "ask"}, frame=b""))
    made.presence._beat()

    assert made.clock.pending == 0
    assert made.presence._answers == {}


async def test_an_answer_takes_the_place_of_an_earlier_one_to_the_same_server() -> None:
    made = OnBus(Bus())
    made.presence.begin()
    made.bus.story.clear()
    made.bus.may_tell.clear()
    made.presence.answer("n1", iter([({"is": "old"}, b"")]))
    made.presence.answer("n2", iter([({"is": "other"}, b"")]))
    made.presence.answer("n1", iter([({"is": "new"}, b"")]))
    for _ in range(5):
        await asyncio.sleep(0)
    made.bus.may_tell.set()
    await eventually(lambda: not made.presence._answers)

    assert sorted(made.bus.story) == [("n1", "new"), ("n2", "other")]
    made.presence.stop()


async def test_a_server_without_a_bus_tells_nothing_and_can_be_stopped() -> None:
    made = OnBus(None, grace=0.0)
    made.presence.begin()
    spark = made.spark("s1")
    made.presence.track(spark, "lobby", "ann")
    made.presence.untrack(spark)
    made.presence.close()
    made.presence.stop()

    assert made.presence.rooms == []
    assert made.clock.pending == 0


async def test_a_server_that_never_began_does_not_tell_its_end() -> None:
    made = OnBus(Bus())
    made.presence.close()
    made.presence.stop()
    assert made.bus.story == []


@pytest.mark.parametrize("room_is_whole", [True, False])
async def test_one_message_has_no_more_than_a_message_may_have(room_is_whole: bool) -> None:
    made = OnBus(Bus(), max_length=10**6 if room_is_whole else 2000)
    made.presence.begin()
    for number in range(150):
        made.presence.track(made.spark(f"s{number}"), "lobby", f"u{number}", "x" * 1000)
    while made.presence._replica.flush():
        pass

    sizes = [len(frame) for kind, frame in made.bus.story if kind == "change"]
    most = DEFAULT_LIMITS.chunk_bytes if room_is_whole else 2000
    assert 1 < len(sizes) < 151
    assert max(sizes) <= most
    if room_is_whole:
        assert max(sizes) > 2000
    made.presence.stop()


async def test_a_spark_that_is_another_or_has_closed_is_neither_tracked_nor_told() -> None:
    made = OnBus(None)
    old = made.spark("s1", has_plugin=True)
    made.spark("s1", has_plugin=True)
    made.presence.track(old, "lobby", "ann")
    assert made.presence.watch(old, "lobby") is False
    closed = made.spark("s2", has_plugin=True)
    closed.ready_state = Spark.CLOSED
    made.presence.track(closed, "lobby", "bob")
    assert made.presence.rooms == []
    made.presence.stop()


async def test_a_spark_that_stays_the_same_user_does_not_leave_between() -> None:
    made = OnBus(None)
    seen: list[Any] = []
    for event in ("join", "leave", "update"):
        made.presence.on(event, lambda *args, event=event: seen.append((event, *args)))
    spark = made.spark("s1")
    made.presence.track(spark, "lobby", "ann", 1)
    made.presence.track(spark, "lobby", "ann", 2)
    assert seen == [("join", "ann", 1, "lobby"), ("update", "ann", 2, "lobby")]
    made.presence.untrack(spark, "hall")
    assert made.presence.has("lobby", "ann")
    made.presence.untrack(spark, "lobby")
    assert seen[2:] == [("leave", "ann", 2, "lobby")]
    assert made.presence._tracked == {}
    made.presence.stop()


async def test_what_a_spark_says_again_is_its_last_word() -> None:
    made = OnBus(None)
    one, two = made.spark("s1"), made.spark("s2")
    made.presence.track(one, "lobby", "ann", 1)
    made.presence.track(two, "lobby", "ann", 2)
    made.presence.track(one, "lobby", "ann", 3)
    third = made.spark("s3")
    made.presence.track(third, "lobby", "ann", 4)
    made.presence.untrack(third)
    assert made.presence.list("lobby") == {"ann": 3}
    made.presence.stop()


async def test_a_name_may_be_as_long_as_the_limit() -> None:
    made = OnBus(None)
    longest = "x" * (DEFAULT_LIMITS.name_bytes - 2)  # with its quotes
    made.presence.track(made.spark("s1"), longest, "ann")
    assert made.presence.rooms == [longest]
    with pytest.raises(PresenceError, match="must be a text of"):
        made.presence.track(made.spark("s2"), longest + "x", "ann")
    made.presence.stop()


async def test_an_info_may_be_as_long_as_the_limit() -> None:
    made = OnBus(None)
    longest = "x" * (DEFAULT_LIMITS.info_bytes - 2)
    made.presence.track(made.spark("s1"), "lobby", "ann", longest)
    assert made.presence.list("lobby") == {"ann": longest}
    with pytest.raises(PresenceError, match="bytes of JSON"):
        made.presence.track(made.spark("s2"), "lobby", "bob", longest + "x")
    made.presence.stop()


async def test_a_client_is_told_the_end_of_a_room_once_and_only_of_one_that_it_watches() -> None:
    made = OnBus(None)
    spark = made.spark("s1", has_plugin=True)
    assert made.presence.watch(spark, "lobby") is True
    assert made.presence.watch(spark, "lobby") is True
    made.presence.unwatch(spark, "hall")
    assert spark.sent == []
    made.presence.unwatch(spark, "lobby")
    made.presence.unwatch(spark, "lobby")
    assert len(spark.sent) == 1
    assert made.presence._views == {}
    made.presence.stop()


async def test_a_view_stays_while_a_client_is_left() -> None:
    made = OnBus(None)
    one, two = (made.spark(id, has_plugin=True) for id in ("s1", "s2"))
    made.presence.watch(one, "lobby")
    made.presence.watch(two, "lobby")
    made.presence.departed(one)
    made.presence.track(made.spark("s3"), "lobby", "ann")
    made.clock.advance(2.0)
    assert one.sent == []
    assert [name for name, _ in two.sent] == ["presence"]
    made.presence.stop()


def test_control_text_of_others_is_left_to_them() -> None:
    taken: list[str] = []
    client = SimpleNamespace(presence=SimpleNamespace(take=taken.append))
    assert primus_control(client, "rooms", "{}") is False
    assert taken == []
    assert primus_control(client, "presence", "{}") is True
    assert taken == ["{}"]


def test_a_primus_can_be_made_before_there_is_a_loop() -> None:
    primus: Any = Primus(transformer=MemoryTransformer, plugin="presence")
    assert primus.presence.rooms == []
