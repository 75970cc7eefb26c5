import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from primus import ControlTextError, Packet, ParserError, PluginError, Primus
from primus_backplane import AsyncPublisher, BusError, MemoryBus, Message, Node, TooLargeError
from primus_backplane.envelope import Writer, sealed
from primus_backplane.limits import DEFAULT_BUS_LIMITS
from primus_backplane.testing import settled
from primus_testing import (
    DEADLINE,
    ManualClock,
    MemoryTransformer,
    Recorder,
    Tracebacks,
    eventually,
    join,
)

Cluster = Callable[..., Any]
Stranger = Callable[[], Awaitable[MemoryBus]]

STRANGER = Writer("stranger", "1")


class Late:
    """A parser that has to be waited for."""

    name = "late"

    async def encode(self, value: Any) -> str:
        return f"late {value}"

    async def decode(self, frame: Any) -> Any:
        return frame


class Upper:
    """A parser that only some servers have."""

    name = "upper"

    def encode(self, value: Any) -> str:
        return str(value).upper()

    def decode(self, frame: Any) -> Any:
        return str(frame).lower()


# -- to all


async def test_a_message_reaches_every_spark_of_every_server_once(server: Cluster) -> None:
    one, two, three = server(), server(), server()
    wires = [join(each)[1] for each in (one, one, two, three)]
    await settled(one, two, three)

    one.write({"n": 1}, everywhere=True)
    await settled(one, two, three)

    assert [wire.sent for wire in wires] == [['{"n":1}']] * 4


async def test_the_sparks_of_the_writer_get_it_at_once(server: Cluster) -> None:
    one = server()
    _, wire = join(one)

    one.write("hello", everywhere=True)

    assert wire.sent == ['"hello"']


async def test_the_frame_is_relayed_as_the_writer_made_it(
    server: Cluster, stranger: Stranger
) -> None:
    one = server()
    _, wire = join(one)
    await settled(one)

    (await stranger()).post(0, sealed(STRANGER, 1, "all", {}, "json", '{ "n" :  1 }'))
    await settled(one)

    assert wire.sent == ['{ "n" :  1 }']


async def test_what_a_server_writes_arrives_in_its_order(server: Cluster) -> None:
    one, two = server(), server()
    _, wire = join(two)
    await settled(one, two)

    for n in range(100):
        one.write(n, everywhere=True)
    await settled(one, two)

    assert wire.sent == [str(n) for n in range(100)]


async def test_what_is_written_before_the_bus_is_open_is_posted_then(server: Cluster) -> None:
    two = server()
    _, wire = join(two)
    await settled(two)
    one = server()

    one.write("early", everywhere=True)
    await settled(one, two)

    assert wire.sent == ['"early"']


async def test_no_more_waits_for_the_bus_to_open_than_it_may(server: Cluster) -> None:
    two = server()
    _, wire = join(two)
    await settled(two)
    one = server(backplane_queue=1000)

    for n in range(20):
        one.write(f"{n} {'x' * 100}", everywhere=True)
    await settled(one, two)

    assert one.backplane.dropped == 20 - len(wire.sent) > 0
    assert wire.sent[-1].startswith('"19 ')


def test_without_a_loop_it_opens_when_the_server_starts() -> None:
    settings = {"transformer": MemoryTransformer, "timeout": False, "ping_interval": False}
    primus = Primus(plugin="backplane", backplane_namespace="later", **settings)
    _, wire = join(primus)
    primus.write("early", everywhere=True)

    async def run() -> None:
        primus.initialise()
        await primus.backplane.ready()
        await primus.destroy()

    asyncio.run(run())
    assert wire.sent == ['"early"', '"primus::server::close"']


@pytest.mark.parametrize("data", ["primus::server::close", {"bad": object()}])
async def test_what_cannot_be_written_reaches_nothing(server: Cluster, data: Any) -> None:
    one, two = server(), server()
    wires = [join(each)[1] for each in (one, two)]
    await settled(one, two)

    with pytest.raises((ControlTextError, ParserError)):
        one.write(data, everywhere=True)
    await settled(one, two)

    assert [wire.sent for wire in wires] == [[], []]


@pytest.mark.parametrize("text", ["x" * 1001, "é" * 501])
async def test_what_is_too_long_reaches_nothing(server: Cluster, text: str) -> None:
    one, two = server(max_length=1000), server()
    wires = [join(each)[1] for each in (one, two)]
    await settled(one, two)

    with pytest.raises(TooLargeError, match="max_length=1000"):
        one.write(text, everywhere=True)
    await settled(one, two)

    assert [wire.sent for wire in wires] == [[], []]


class ShortBus(MemoryBus):
    """A bus that carries little."""

    longest = 500


async def test_what_the_bus_does_not_carry_reaches_nothing(server: Cluster, namespace: str) -> None:
    one, two = server(backplane=ShortBus()), server()
    wires = [join(each)[1] for each in (one, two)]
    await settled(one, two)

    with pytest.raises(TooLargeError, match="takes 500: send it in parts"):
        one.write("x" * 500, everywhere=True)
    async with AsyncPublisher(ShortBus(), namespace=namespace) as publisher:
        with pytest.raises(TooLargeError, match="takes 500: send it in parts"):
            await publisher.write("x" * 500)
    one.write("x" * 300, everywhere=True)
    await settled(one, two)

    assert [len(wire.sent) for wire in wires] == [1, 1]


async def test_a_message_to_all_is_not_for_some(server: Cluster) -> None:
    one = server()
    spark, _ = join(one)

    with pytest.raises(PluginError, match="not `to`"):
        one.write("hello", to=[spark], everywhere=True)


async def test_another_thread_writes_everywhere(server: Cluster) -> None:
    one, two = server(), server()
    wires = [join(each)[1] for each in (one, two)]
    await settled(one, two)

    await asyncio.to_thread(one.write, "hello", everywhere=True)
    await settled(one, two)
    await settled(one, two)

    assert [wire.sent for wire in wires] == [['"hello"'], ['"hello"']]


# -- parsers and transforms


async def test_a_server_with_another_parser_encodes_again(server: Cluster) -> None:
    one, two = server(), server(parser="msgpack")
    _, wire = join(two)
    await settled(one, two)

    one.write({"n": 1}, everywhere=True)
    await settled(one, two)

    assert wire.sent == [b"\x81\xa1n\x01"]


async def test_an_async_parser_sends_json(server: Cluster) -> None:
    one, two = server(parser=Late()), server()
    (_, mine), (_, theirs) = join(one), join(two)
    await settled(one, two)

    one.write({"n": 1}, everywhere=True)
    two.write({"n": 2}, everywhere=True)
    await settled(one, two)

    await eventually(lambda: len(mine.sent) == 2)
    assert mine.sent == ["late {'n': 1}", "late {'n': 2}"]
    assert theirs.sent == ['{"n":2}', '{"n":1}']


async def test_transforms_of_the_other_server_apply(server: Cluster) -> None:
    def double(packet: Packet) -> None:
        packet.data = packet.data * 2

    one, two = server(), server()
    two.transform("outgoing", double)
    (_, mine), (_, theirs) = join(one), join(two)
    await settled(one, two)

    one.write(21, everywhere=True)
    await settled(one, two)

    assert (mine.sent, theirs.sent) == (["21"], ["42"])


async def test_transforms_of_this_server_apply_here_alone(server: Cluster) -> None:
    def double(packet: Packet) -> None:
        packet.data = packet.data * 2

    one, two = server(), server()
    one.transform("outgoing", double)
    (_, mine), (_, theirs) = join(one), join(two)
    await settled(one, two)

    one.write(21, everywhere=True)
    await settled(one, two)

    assert (mine.sent, theirs.sent) == (["42"], ["21"])


async def test_a_parser_that_is_not_here_loses_that_message_only(
    server: Cluster, caplog: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("the parser 'upper' is not installed here")
    one, two = server(parser=Upper()), server()
    _, wire = join(two)
    await settled(one, two)

    one.write("lost", everywhere=True)
    two.write("kept", everywhere=True)
    await settled(one, two)

    assert wire.sent == ['"kept"']


# -- what arrives


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"nonsense",
        sealed(STRANGER, 1, "all", {}, "json", "{}")[:-8],
        sealed(STRANGER, 1, "all", {}, "json", "{}").replace(b"1 ", b"2 ", 1),
        sealed(STRANGER, 1, "unheard-of", {}, "json", "{}"),
    ],
)
async def test_what_cannot_be_used_is_a_line_and_loses_nothing_else(
    server: Cluster, stranger: Stranger, envelope: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)

    for _ in range(3):
        bus.post(0, envelope)
    bus.post(0, sealed(STRANGER, 2, "all", {}, "json", '"kept"'))
    await settled(one)

    lines = [record for record in caplog.records if "cannot be used" in record.message]
    assert wire.sent == ['"kept"']
    assert len(lines) == 1
    assert one.backplane.counts.unusable >= 1


@pytest.mark.parametrize(
    "frame",
    ['"primus::server::close"', ' "primus::server::close"', '"\\u0070rimus::server::close"'],
)
async def test_text_that_peers_obey_is_not_relayed(
    server: Cluster, stranger: Stranger, frame: str, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a message could not be delivered")
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)

    bus.post(0, sealed(STRANGER, 1, "all", {}, "json", frame))
    bus.post(0, sealed(STRANGER, 2, "all", {}, "json", '"fine"'))
    await settled(one)

    assert wire.sent == ['"fine"']


async def test_binary_text_that_peers_obey_is_not_relayed(
    server: Cluster, stranger: Stranger, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a message could not be delivered")
    one, bus = server(parser="msgpack"), await stranger()
    _, wire = join(one)
    await settled(one)

    bus.post(0, sealed(STRANGER, 1, "all", {}, "msgpack", b"\xb5primus::server::close"))
    await settled(one)

    assert wire.sent == []


@pytest.mark.parametrize("head", [{"ids": "abc"}, {"ids": [1]}, {"ids": {}}])
async def test_a_head_that_is_none_is_a_line(
    server: Cluster, stranger: Stranger, head: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("ids of a message must be a list of texts")
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)

    bus.post(0, sealed(STRANGER, 1, "sparks", head, "json", "1"))
    await settled(one)

    assert wire.sent == []


async def test_what_arrives_again_is_dropped(server: Cluster, stranger: Stranger) -> None:
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)

    for number in (1, 2, 1, 2, 3):
        bus.post(0, sealed(STRANGER, number, "all", {}, "json", str(number)))
    await settled(one)

    assert wire.sent == ["1", "2", "3"]
    assert one.backplane.counts.repeated == 2


async def test_what_is_missing_is_a_gap(server: Cluster, stranger: Stranger) -> None:
    one, bus = server(), await stranger()
    events = Recorder(one.backplane, "gap")
    await settled(one)

    for number in (1, 2, 7):
        bus.post(0, sealed(STRANGER, number, "all", {}, "json", "1"))
    await settled(one)

    assert events.seen("gap") == [(0,)]
    assert one.backplane.counts.missing == 4


async def test_a_server_that_begins_again_repeats_nothing(
    server: Cluster, stranger: Stranger
) -> None:
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)

    bus.post(0, sealed(Writer("w0", "1"), 9, "all", {}, "json", "1"))
    bus.post(0, sealed(Writer("w0", "2"), 1, "all", {}, "json", "2"))
    await settled(one)

    assert wire.sent == ["1", "2"]


# -- to single sparks


async def test_a_spark_is_reached_wherever_it_is(server: Cluster) -> None:
    one, two = server("w0"), server("w1")
    (mine, here), (theirs, there) = join(one), join(two)
    await settled(one, two)

    assert await one.backplane.spark(mine.id).write("here") is True
    assert await one.backplane.spark(theirs.id).write("there") is True
    await settled(one, two)

    assert (here.sent, there.sent) == (['"here"'], ['"there"'])


async def test_a_spark_of_a_server_that_is_not_there_is_unknown(server: Cluster) -> None:
    one = server("w0")

    assert await one.backplane.spark("w9-abc").write("hello") is False


async def test_a_spark_that_has_left_this_server_is_unknown(server: Cluster) -> None:
    one = server("w0")

    assert await one.backplane.spark("w0-abc").write("hello") is False


async def test_a_spark_whose_id_names_no_server_is_looked_for_by_all(server: Cluster) -> None:
    one, two = server(), server(id_generator=lambda: "mine")
    _, wire = join(two)
    await settled(one, two)

    assert await one.backplane.spark("mine").write("hello") is None
    await settled(one, two)

    assert wire.sent == ['"hello"']


async def test_several_sparks_get_a_message_once_each(server: Cluster) -> None:
    one, two = server("w0"), server("w1")
    (a, first), (b, second), (_, third) = join(one), join(two), join(two)
    await settled(one, two)

    assert await one.backplane.write_to([a.id, b.id, a.id, b.id], "hello") is True
    assert await one.backplane.write_to([b.id, "w9-none"], "again") is False
    await settled(one, two)

    assert (first.sent, second.sent) == (['"hello"'], ['"hello"', '"again"'])
    assert third.sent == []


# -- ordered


async def test_ordered_messages_come_in_one_order_everywhere(server: Cluster) -> None:
    one, two = server(), server()
    (_, mine), (_, theirs) = join(one), join(two)
    await settled(one, two)

    for n in range(20):
        one.write(f"one {n}", everywhere=True, ordered=True)
        two.write(f"two {n}", everywhere=True, ordered=True)
        assert len(mine.sent) < 2 * n + 1
        await asyncio.sleep(0)
    await settled(one, two)

    assert len(mine.sent) == 40
    assert mine.sent == theirs.sent


async def test_the_option_makes_every_message_ordered(server: Cluster) -> None:
    one = server(backplane_ordered=True)
    _, wire = join(one)
    await settled(one)

    one.write("ordered", everywhere=True)
    one.write("fast", everywhere=True, ordered=False)
    at_once = list(wire.sent)
    await settled(one)

    assert at_once == ['"fast"']
    assert wire.sent == ['"fast"', '"ordered"']


class Deaf(MemoryBus):
    """A bus that brings nothing back."""

    def post(self, shard: int, envelope: bytes) -> None:
        """Lose it."""


async def test_ordered_messages_wait_for_a_second_and_are_an_outage_that_ends_the_epoch(
    server: Cluster, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    one = server(backplane=Deaf())
    events = Recorder(one.backplane, "away", "back", "unordered")
    _, wire = join(one)
    await settled(one)
    before = one.backplane.epoch

    one.write("first", everywhere=True, ordered=True)
    one.write("second", everywhere=True, ordered=True)
    manual_clock.advance(0.9)
    waiting = list(wire.sent)
    manual_clock.advance(0.1)
    delivered, epoch = list(wire.sent), one.backplane.epoch
    one.write("third", everywhere=True, ordered=True)
    manual_clock.advance(1.0)
    manual_clock.advance(3.0)  # what this server tells itself with each lease comes back
    await settled(one)

    assert waiting == []
    assert delivered == ['"first"', '"second"']
    assert wire.sent == [*delivered, '"third"']
    assert events.story == ["away", "unordered", "unordered", "back"]
    assert one.backplane.epoch != before == epoch
    first, last = [record.getMessage() for record in caplog.records]
    assert "ordered messages did not come back in time" in first
    assert "3 ordered ones delivered alone" in last


async def test_an_epoch_that_could_not_be_ended_is_ended_with_a_later_lease(
    server: Cluster, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = server(backplane=Deaf())
    await settled(one)
    events = Recorder(one.backplane, "back", "epoch")
    asked = []

    async def fail() -> None:
        asked.append(events.story[:])
        raise BusError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(one.backplane.bus, "end_epoch", fail)
        one.write("first", everywhere=True, ordered=True)
        manual_clock.advance(1.0)
        one.backplane.begun_epoch("that of another server")
        manual_clock.advance(4.0)  # what this server tells itself comes back
        await settled(one)
    manual_clock.advance(5.0)
    await settled(one)

    assert asked == [["back"]]
    assert events.story == ["back", "epoch"]


async def test_the_engine_that_finds_the_bus_away_says_when_it_is_back(
    server: Cluster, manual_clock: ManualClock
) -> None:
    one = server()
    await settled(one)
    events = Recorder(one.backplane, "away", "back")
    one.write("late", everywhere=True, ordered=True)
    manual_clock.advance(2.0)
    one.backplane.begun("no answer")

    await settled(one)
    before = list(events.story)
    one.backplane.ended()

    assert before == ["away"]
    assert events.story == ["away", "back"]


async def test_what_is_written_in_the_name_of_a_server_does_not_silence_it(
    server: Cluster, stranger: Any, tracebacks: Tracebacks, caplog: pytest.LogCaptureFixture
) -> None:
    tracebacks.expect("something else writes")
    one, two = server("w0"), server("w1")
    _, wire = join(two)
    await settled(one, two)
    bus = await stranger()

    for number in (1000, 2000):
        bus.post(0, sealed(one.backplane.writer, number, "all", {}, "json", '"forged"'))
    await settled(one, two)
    one.write("hello", everywhere=True)
    await settled(one, two)

    assert wire.sent[-1] == '"hello"'
    assert len(caplog.records) == 1
    assert "something else writes to the bus in the name of this server" in caplog.text


async def test_an_ordered_message_that_comes_back_late_is_not_delivered_again(
    server: Cluster, manual_clock: ManualClock
) -> None:
    one = server()
    _, wire = join(one)
    await settled(one)

    one.write("hello", everywhere=True, ordered=True)
    manual_clock.advance(2.0)
    await settled(one)

    assert wire.sent == ['"hello"']


async def test_ordered_messages_are_delivered_when_the_server_ends(server: Cluster) -> None:
    one = server(backplane=Deaf())
    _, wire = join(one)
    await settled(one)

    one.write("hello", everywhere=True, ordered=True)
    await one.backplane.close()

    assert wire.sent == ['"hello"']


# -- for other plugins


async def test_a_plugin_carries_messages_of_its_own(server: Cluster) -> None:
    one, two = server("w0"), server("w1")
    seen: list[tuple[str, Message]] = []
    one.backplane.carry("shout", lambda message: seen.append(("one", message)))
    two.backplane.carry("shout", lambda message: seen.append(("two", message)))
    await settled(one, two)

    one.backplane.post("shout", {"what": "hey"}, frame=b"\0raw")
    assert await two.backplane.tell("w0", "shout", {"what": "you"})
    await settled(one, two)

    assert sorted((at, message.head["what"], message.is_own) for at, message in seen) == [
        ("one", "hey", True),
        ("one", "you", False),
        ("two", "hey", False),
    ]
    assert seen[0][1].frame == b"\0raw"
    assert seen[0][1].writer == one.backplane.writer


async def test_a_kind_is_handled_by_one_plugin(server: Cluster) -> None:
    one = server()
    one.backplane.carry("shout", print)

    with pytest.raises(BusError, match="'shout' are handled already"):
        one.backplane.carry("shout", print)
    with pytest.raises(BusError, match="'rooms' are handled already"):
        one.backplane.carry("rooms", print)
    one.backplane.drop("shout")
    one.backplane.carry("shout", print)


async def test_a_plugin_sees_all_that_is_posted_before_it_is_delivered(server: Cluster) -> None:
    one, two = server(), server()
    _, wire = join(two)
    seen: list[tuple[int, bool, int, list[Any]]] = []

    def note(message: Message) -> None:
        seen.append((message.position, message.is_own, message.shard, list(wire.sent)))

    two.backplane.watch(note)
    await settled(one, two)

    one.write(1, everywhere=True)
    two.write(2, everywhere=True)
    await settled(one, two)
    two.backplane.unwatch(note)
    one.write(3, everywhere=True)
    await settled(one, two)

    positions = [position for position, *_ in seen]
    assert positions == sorted(positions)
    assert len(set(positions)) == 2
    assert seen[0][1:] == (False, 0, ["2"])
    assert seen[1][1:3] == (True, 0)


async def test_a_plugin_may_deliver_instead(server: Cluster) -> None:
    one, two = server(), server()
    (_, mine), (_, theirs) = join(one), join(two)
    seen: list[Any] = []

    def deliver(message: Message) -> bool:
        seen.append(message.frame)
        return message.frame == '"instead"'

    for each in (one, two):
        each.backplane.watch(deliver)
    await settled(one, two)

    one.write("instead", everywhere=True, ordered=True)
    one.write("as ever", everywhere=True, ordered=True)
    await settled(one, two)

    assert sorted(seen) == ['"as ever"', '"as ever"', '"instead"', '"instead"']
    assert mine.sent == theirs.sent == ['"as ever"']


async def test_epochs_are_told(server: Cluster) -> None:
    one = server()
    events = Recorder(one.backplane, "epoch")
    await settled(one)
    first = one.backplane.epoch

    await one.backplane.bus.end_epoch()
    await settled(one)

    assert events.seen("epoch") == [(first,), (one.backplane.epoch,)]
    assert first != one.backplane.epoch


async def test_the_newest_that_are_kept_can_be_read(server: Cluster) -> None:
    one = server()
    await settled(one)
    for n in range(5):
        one.write(n, everywhere=True)
    await settled(one)

    behind, kept = await one.backplane.kept(0, 2)

    assert [message.frame for message in kept] == ["3", "4"]
    assert [message.frame for message in await one.backplane.since(0, behind, 9)] == ["3", "4"]


async def test_what_a_plugin_raises_harms_nothing_else(
    server: Cluster, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a message could not be delivered: ZeroDivisionError")
    one, two = server(), server()
    _, wire = join(two)
    two.backplane.watch(lambda message: 1 / 0)
    await settled(one, two)

    one.write("hello", everywhere=True)
    await settled(one, two)

    assert wire.sent == ['"hello"']


async def test_what_is_kept_can_be_read_again(server: Cluster) -> None:
    one, two = server(), server()
    await settled(one, two)
    start = one.backplane.positions[0]
    for n in range(3):
        one.write(n, everywhere=True)
    await settled(one, two)

    kept = await two.backplane.since(0, start, 10)

    assert [(message.frame, message.kind) for message in kept] == [
        ("0", "all"),
        ("1", "all"),
        ("2", "all"),
    ]
    assert kept[-1].position == two.backplane.positions[0]
    assert await two.backplane.since(0, start, 2) is None


async def test_what_was_posted_twice_is_read_once(server: Cluster, stranger: Stranger) -> None:
    one, bus = server(), await stranger()
    await settled(one)
    for number in (1, 1, 2):
        bus.post(0, sealed(STRANGER, number, "all", {}, "json", str(number)))

    kept = await one.backplane.since(0, 0, 10)

    assert [message.number for message in kept] == [1, 2]


# -- servers


async def test_servers_are_known_and_their_coming_and_going_is_told(server: Cluster) -> None:
    one = server("w0")
    events = Recorder(one.backplane, "nodes")
    await settled(one)

    two = server("w1")
    await settled(one, two)
    known = {node.name for node in one.backplane.nodes}
    await two.destroy()
    await settled(one)

    assert known == {"w0", "w1"}
    assert one.backplane.node("w1") is None
    assert [len(nodes) for (nodes,) in events.seen("nodes")] == [1, 2, 1]


async def test_a_second_server_of_that_name_is_an_error(
    server: Cluster, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("another server is called node='w0' as well")
    one = server("w0")
    await settled(one)

    two = server("w0")
    await settled(two)
    await settled(two)


async def test_the_bus_is_healthy_while_what_is_sent_comes_back(
    server: Cluster, manual_clock: ManualClock
) -> None:
    one = server()
    before = one.backplane.healthy
    await settled(one)
    opened = one.backplane.healthy
    for _ in range(6):
        manual_clock.advance(4.0)
        await settled(one)
    later = one.backplane.healthy
    one.backplane.bus._listener = None  # nothing arrives any more
    manual_clock.advance(21.0)

    assert (before, opened, later, one.backplane.healthy) == (False, True, True, False)


async def test_an_outage_is_two_lines_however_often_it_is_noticed(
    server: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one = server()
    await settled(one)
    events = Recorder(one.backplane, "away", "back")
    caplog.set_level(logging.INFO)
    listener = one.backplane.bus._listener

    for _ in range(5):
        listener.away("refused")
    listener.dropped(3)
    away = one.backplane.healthy
    for _ in range(5):
        listener.back()

    lines = [record.message for record in caplog.records if "backplane" in record.message]
    assert len(lines) == 2
    assert "is away (refused)" in lines[0]
    assert "3 messages were dropped" in lines[1]
    assert events.story == ["away", "back"]
    assert not away
    assert one.backplane.dropped == 3


class Broken(MemoryBus):
    """A bus that cannot be opened."""

    async def open(self, node: Node, listener: Any, settings: Any) -> None:
        """Fail."""
        raise BusError("no")


async def test_a_bus_that_cannot_be_opened_leaves_the_server_alone(
    server: Cluster, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("cannot be opened")
    one = server(backplane=Broken())
    _, wire = join(one)

    one.write("hello", everywhere=True)
    with pytest.raises(BusError, match="is not open"):
        await one.backplane.tell("w1", "echo")

    assert wire.sent == ['"hello"']


async def test_a_bus_that_never_opens_does_not_keep_the_server(
    server: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = replace(DEFAULT_BUS_LIMITS, flush_timeout=0.01)
    monkeypatch.setattr("primus_backplane.backplane.DEFAULT_BUS_LIMITS", limits)
    one = server(backplane=Slow())
    backplane = one.backplane
    asked = asyncio.ensure_future(backplane.tell("w1", "echo"))
    socket = one.Socket("http://memory", strategy=False)
    await turns()

    async with asyncio.timeout(DEADLINE):
        await one.destroy()
        with pytest.raises(BusError, match="is not open"):
            await asked

    assert "does not open: given up" in caplog.text
    assert backplane.heard.is_set()  # what waited to connect is refused
    socket.destroy()


@pytest.mark.parametrize("bus", ["memory:", "redis://127.0.0.1:1"])
async def test_workers_that_share_a_port_and_no_bus_are_told_of_once(
    server: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tracebacks: Tracebacks,
    bus: str,
) -> None:
    tracebacks.expect(*(["Name a bus that they share"] if bus == "memory:" else []))
    there: list[bool] = [False, True]
    monkeypatch.setattr(
        "primus.server.hosts.siblings.shares_a_port", lambda: there.pop(0) if there else True
    )
    monkeypatch.setattr("primus.server.hosts.siblings.PROC", Path("/"))
    one = server(backplane=bus)
    told: list[int] = []
    for _ in range(4):
        join(one)
        told.append(caplog.text.count("Name a bus that they share"))
        one.options.clock.advance(5)

    assert told == ([0, 1, 1, 1] if bus == "memory:" else [0, 0, 0, 0])


# -- the first clients


class Slow(MemoryBus):
    """A bus that opens when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open = asyncio.Event()

    async def open(self, node: Node, listener: Any, settings: Any) -> None:
        """Wait."""
        await self.may_open.wait()
        await super().open(node, listener, settings)


async def turns() -> None:
    """Let everything go on that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_clients_come_once_the_server_hears_the_bus(server: Cluster) -> None:
    bus = Slow()
    one, two = server(), server(backplane=bus)
    socket = two.Socket("http://memory")
    heard = Recorder(socket, "data")
    await turns()
    before = two.connected

    bus.may_open.set()
    await eventually(lambda: two.connected)
    one.write("hello", everywhere=True)

    assert before == 0
    assert await heard.one("data") == "hello"
    socket.destroy()


async def test_they_wait_for_a_second_at_most_and_only_the_first(
    server: Cluster, manual_clock: ManualClock
) -> None:
    one = server(backplane=Slow())
    sockets = [one.Socket("http://memory")]
    await turns()
    manual_clock.advance(0.99)
    await turns()
    before = one.connected

    manual_clock.advance(0.01)
    await eventually(lambda: one.connected)
    sockets.append(one.Socket("http://memory"))
    await turns()
    one.backplane.bus.may_open.set()

    assert (before, one.connected) == (0, 2)
    for socket in sockets:
        socket.destroy()


async def test_they_do_not_wait_until_their_handshake_has_taken_too_long(
    server: Cluster, manual_clock: ManualClock
) -> None:
    one = server(backplane=Slow(), handshake_timeout=1.0)
    socket = one.Socket("http://memory")
    await turns()
    manual_clock.advance(0.49)
    await turns()
    before = one.connected

    manual_clock.advance(0.01)
    try:
        await eventually(lambda: one.connected)
    finally:
        one.backplane.bus.may_open.set()

    assert before == 0
    socket.destroy()


async def test_a_layer_that_is_called_like_the_plugin_stays(server: Cluster) -> None:
    one = server(backplane=Slow())
    asked: list[Any] = []
    sockets = [one.Socket("http://memory")]
    await turns()
    one.before("backplane", asked.append)

    one.backplane.bus.may_open.set()
    await eventually(lambda: one.connected == 1)
    sockets.append(one.Socket("http://memory"))
    await eventually(lambda: one.connected == 2)

    assert len(asked) == 1
    for socket in sockets:
        socket.destroy()


@pytest.mark.parametrize("fails", [False, True])
async def test_they_do_not_wait_for_a_bus_that_is_away(
    fails: bool, server: Cluster, tracebacks: Tracebacks
) -> None:
    tracebacks.expect(*(["cannot be opened"] if fails else []))
    one = server(backplane=Broken() if fails else Slow())
    if not fails:
        one.backplane.begun("refused")
    socket = one.Socket("http://memory")

    try:
        await eventually(lambda: one.connected)
    finally:
        if not fails:
            one.backplane.bus.may_open.set()
    socket.destroy()


async def test_a_server_that_has_left_the_bus_writes_to_its_own_sparks(server: Cluster) -> None:
    one, two = server(), server()
    wires = [join(each)[1] for each in (one, two)]
    await settled(one, two)

    await one.backplane.close()
    one.write("late", everywhere=True)
    await settled(two)

    assert [wire.sent for wire in wires] == [['"late"'], []]


# -- messages that come in two ways


async def test_what_the_bus_has_brought_is_not_taken_otherwise(
    server: Cluster, stranger: Stranger
) -> None:
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)
    bus.post(0, sealed(STRANGER, 1, "all", {}, "json", "1"))
    await settled(one)

    assert not one.backplane.takes_otherwise("stranger.1", 0, 1)
    assert one.backplane.takes_otherwise("stranger.1", 0, 2)
    assert one.backplane.takes_otherwise("stranger.1", 1, 1)
    assert one.backplane.takes_otherwise("stranger.2", 0, 1)
    for number in (2, 3):
        bus.post(0, sealed(STRANGER, number, "all", {}, "json", str(number)))
    await settled(one)

    assert wire.sent == ["1", "3"]
    assert one.backplane.counts.repeated == 1


async def test_no_more_is_expected_of_the_bus_than_may_be(
    server: Cluster, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus_backplane.arrivals.OTHERWISE", 2)
    one, bus = server(), await stranger()
    _, wire = join(one)
    await settled(one)

    for number in (1, 2, 3):
        assert one.backplane.takes_otherwise("stranger.1", 0, number)
    for number in (1, 2, 3, 4):
        bus.post(0, sealed(STRANGER, number, "all", {}, "json", str(number)))
    await settled(one)

    assert wire.sent == ["1", "4"]


async def test_what_is_told_to_other_servers_is_no_gap(server: Cluster) -> None:
    one, two, three = server("w0"), server("w1"), server("w2")
    (a, _), (b, wire) = join(two), join(three)
    gaps = Recorder(three.backplane, "gap")
    await settled(one, two, three)

    for spark in (b, a, a, b):
        assert await one.backplane.spark(spark.id).write("hello")
    await settled(one, two, three)

    assert (len(wire.sent), gaps.story, three.backplane.counts.missing) == (2, [], 0)
