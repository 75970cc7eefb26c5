"""The engine of NATS, with a real broker that fails in every way it can."""

import asyncio
import json
import logging
import os
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest

from primus import OptionError, Primus
from primus_backplane import Bus, BusError, Listener, Node, Settings
from primus_backplane.engines import bus_of
from primus_backplane.limits import BusLimits
from primus_backplane.nats import NatsBus
from primus_backplane.nats.names import Names
from primus_backplane.testing import BusContract, Ear, until
from primus_testing import MemoryTransformer, Recorder, Tracebacks, eventually, join

FAST = BusLimits(answer_timeout=10.0, retry=0.02, retry_most=0.1)
"""What is cut is made again soon."""
SHORT = replace(FAST, answer_timeout=0.5)
"""A broker that does not answer is away soon."""
SCRIPTS = Path(sysconfig.get_path("scripts"))

Make = Callable[..., Any]


class Broker:
    """A real broker.

    Args:
        folder: where it says its port, and what else it writes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = -1

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self, *options: str) -> None:
        """Start it on a free port, and later on the same; with JetStream unless told otherwise."""
        shutil.rmtree(self._folder / "ports", ignore_errors=True)
        (self._folder / "ports").mkdir()
        self._process = subprocess.Popen(
            [
                *(SCRIPTS / "nats-server", "-a", "127.0.0.1", "-p", str(self.port)),
                *("-sd", self._folder / "data", "--ports_file_dir", self._folder / "ports"),
                *(options or ("-js",)),
            ],
            stderr=subprocess.DEVNULL,
        )

    async def ready(self) -> None:
        """Wait until it listens, and know its port."""
        async with asyncio.timeout(20):
            while self.port == -1:
                await asyncio.sleep(0.005)
                for file in (self._folder / "ports").glob("*.ports"):
                    try:
                        self.port = int(json.loads(file.read_text())["nats"][0].rpartition(":")[2])
                    except ValueError:
                        continue  # it is being written

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker for all tests that let it live."""
    broker = Broker(tmp_path_factory.mktemp("nats"))
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
async def url(shared: Broker) -> str:
    await shared.ready()
    return shared.url


class TestNats(BusContract):
    @pytest.fixture
    async def url(self, url: str) -> str:
        return url

    def bus(self, url: Any) -> Bus:
        return NatsBus(url)


class TestSmallBatches(TestNats):
    """The same, when next to nothing goes together."""

    settings = Settings(
        limits=BusLimits(batch_bytes=10, batch_envelopes=3, flush_bytes=50, page=2, turn_entries=2)
    )


# -- a broker that fails


class FastBus(NatsBus):
    """The engine, which connects again soon."""

    limits = FAST

    async def open(self, node: Node, listener: Listener | None, settings: Settings) -> None:
        """Open with other limits."""
        await super().open(node, listener, replace(settings, limits=self.limits))


class Short(FastBus):
    """A broker that does not answer is away soon."""

    limits = SHORT


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    await broker.ready()
    yield broker
    broker.kill()


@pytest.fixture
async def make(failing: Broker, tracebacks: Tracebacks) -> AsyncIterator[Make]:
    """Makes servers that share the failing broker, and waits until they know it."""
    made: list[Any] = []

    async def make(node: str, *, waits: bool = True, kind: Any = FastBus, **options: Any) -> Any:
        settings = {
            "transformer": MemoryTransformer,
            "timeout": False,
            "ping_interval": False,
            "backplane_lease": 0.9,
            **options,
        }
        bus = kind(failing.url)
        made.append(Primus(plugin="backplane", node=node, backplane=bus, **settings))
        if waits:
            await eventually(lambda: made[-1].backplane.healthy)
        return made[-1]

    yield make
    for primus in made:
        await primus.destroy()


@pytest.fixture
async def pair(make: Make) -> tuple[Any, Any, Any, Any]:
    """Two servers, and the wire of a spark of each."""
    one, two = await make("w0"), await make("w1")
    await eventually(lambda: one.backplane.node("w1"))
    return one, two, join(one)[1], join(two)[1]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that were logged about the bus."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def numbers(wire: Any) -> list[int]:
    return [int(frame) for frame in wire.sent]


async def write(primus: Any, start: int, count: int) -> None:
    """Write numbers, some in each of several turns of the loop; its own sparks get each at once."""
    for n in range(start, start + count):
        primus.write(n, everywhere=True)
        if n % 7 == 0:
            await asyncio.sleep(0.001)


async def test_a_frozen_broker_loses_nothing_and_repeats_nothing(
    failing: Broker, make: Make
) -> None:
    one, two = await make("w0", kind=Short), await make("w1", kind=Short)
    (_, mine), (_, theirs) = join(one), join(two)
    events = Recorder(one.backplane, "away")
    await write(one, 0, 50)

    failing.freeze()
    await write(one, 50, 100)
    at_once = numbers(mine)
    await events.next("away")
    await write(one, 150, 50)
    failing.thaw()
    await write(one, 200, 50)

    await eventually(lambda: len(theirs.sent) >= 250 and one.backplane.healthy)
    await one.backplane.bus.flush()
    assert at_once == list(range(150))
    assert numbers(mine) == numbers(theirs) == list(range(250))
    assert two.backplane.counts.missing == 0


async def test_a_broker_that_comes_back_empty_loses_nothing(
    failing: Broker, pair: Any, caplog: pytest.LogCaptureFixture
) -> None:
    one, two, mine, theirs = pair
    events, gaps = Recorder(one.backplane, "away", "epoch"), Recorder(two.backplane, "gap")
    epoch = one.backplane.epoch
    await write(one, 0, 50)
    await eventually(lambda: len(theirs.sent) == 50)

    failing.kill()
    await write(one, 50, 50)
    await events.next("away")
    failing.start()
    await write(one, 100, 50)

    await eventually(lambda: len(theirs.sent) >= 150)
    await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
    await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)
    assert numbers(mine) == numbers(theirs) == list(range(150))
    assert gaps.seen("gap") == []
    assert len(lines(caplog)) <= 4
    assert await one.backplane.since(0, 0, 1000) is not None


async def test_a_stream_that_is_lost_is_made_again_and_ends_the_epoch(
    failing: Broker, pair: Any
) -> None:
    one, two, mine, theirs = pair
    gaps = Recorder(two.backplane, "gap")
    epoch = one.backplane.epoch
    await write(one, 0, 20)
    await eventually(lambda: len(theirs.sent) == 20)

    client = await nats.connect(failing.url)
    await client.jetstream().delete_stream("primus-primus-bus-0")
    await write(one, 20, 20)
    await client.close()

    await eventually(lambda: len(theirs.sent) >= 40)
    await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)
    assert numbers(mine) == numbers(theirs) == list(range(40))
    assert gaps.seen("gap") == []


async def test_a_broker_that_is_away_at_first_is_waited_for(failing: Broker, make: Make) -> None:
    failing.kill()
    one, two = await make("w0", waits=False), await make("w1", waits=False)
    (_, mine), (_, theirs) = join(one), join(two)
    events = Recorder(one.backplane, "away")
    await one.backplane.ready()
    await write(one, 0, 10)
    await events.next("away")

    failing.start()
    await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
    await write(one, 10, 10)

    await eventually(lambda: theirs.sent and theirs.sent[-1] == "19")
    assert numbers(mine) == list(range(20))
    assert numbers(theirs)[-10:] == list(range(10, 20))


async def test_beyond_the_queue_the_oldest_go_and_all_are_told(
    failing: Broker, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class Small(FastBus):
        limits = replace(FAST, batch_bytes=1000)

    one, two = await make("w0", kind=Small, backplane_queue=10_000), await make("w1")
    (_, mine), (_, theirs) = join(one), join(two)
    away, gaps = Recorder(one.backplane, "away", "back"), Recorder(two.backplane, "gap")
    await write(one, 0, 10)
    await eventually(lambda: len(theirs.sent) == 10)

    failing.kill()
    await away.next("away")
    await write(one, 10, 1000)
    failing.start()

    await eventually(lambda: theirs.sent[-1] == "1009")
    await away.next("back")
    seen = numbers(theirs)
    assert numbers(mine) == list(range(1010))
    assert seen == sorted(set(seen))
    assert one.backplane.dropped == two.backplane.counts.missing == 1010 - len(seen) > 0
    assert set(gaps.seen("gap")) == {(0,)}
    assert f"{one.backplane.dropped} messages were dropped" in caplog.text


async def test_what_waits_for_too_long_is_dropped(failing: Broker, make: Make) -> None:
    class Impatient(FastBus):
        limits = replace(SHORT, patience=0.2)

    one = await make("w0", kind=Impatient)
    failing.kill()
    await write(one, 0, 10)

    with pytest.raises(BusError, match="away for too long"):
        await one.backplane.tell("w1", "echo")

    assert one.backplane.dropped >= 10


async def test_questions_that_get_no_answer_are_errors(failing: Broker, make: Make) -> None:
    one = await make("w0", kind=Short)
    failing.kill()

    bus = one.backplane.bus
    questions = bus.since(0, 0, 10), bus.kept(0, 10), bus.nodes(), bus.end_epoch()
    answers = await asyncio.gather(
        *questions, bus.park("a", b"b", 1.0), bus.unpark("a"), return_exceptions=True
    )

    assert [type(each) for each in answers] == [BusError] * 6
    assert all("did not answer" in str(each) for each in answers)


async def test_a_message_that_the_broker_does_not_take_is_dropped_and_said(
    pair: Any, tracebacks: Tracebacks
) -> None:
    one, _, _, theirs = pair
    tracebacks.expect("max_payload of NATS is 1048576; raise it to max_length and 8 KiB")

    one.backplane.bus.post(0, b"x" * (1 << 20))
    with pytest.raises(BusError):
        await one.backplane.bus.tell("w1", b"x" * (1 << 20))
    await write(one, 0, 10)

    await eventually(lambda: len(theirs.sent) == 10)
    assert numbers(theirs) == list(range(10))
    assert one.backplane.dropped == 1


async def test_a_broker_without_jetstream_is_away(failing: Broker) -> None:
    failing.kill()
    failing.start("--trace=false")
    bus, ear = FastBus(failing.url), Ear()

    await bus.open(Node("w0", "1"), ear, Settings())

    await until(lambda: ear.is_away)
    await bus.close()


async def test_a_broker_that_is_too_old_is_away_and_the_line_says_why() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "a", "version": "2.10.29", "max_payload": 1000, "headers": True}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        while line := await reader.readline():
            if line == b"PING\r\n":
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(old, "127.0.0.1", 0)
    bus, ear = FastBus(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"), Ear()
    reasons: list[str] = []
    ear.away = reasons.append  # type: ignore[method-assign]
    await bus.open(Node("w0", "1"), ear, Settings())

    await until(lambda: reasons)

    assert reasons[0].endswith("2.11 or later is needed")
    await bus.close()
    server.close()


async def test_what_may_have_arrived_is_sent_again_and_is_not_there_twice(failing: Broker) -> None:
    bus, ear = Short(failing.url), Ear()
    await bus.open(Node("w0", "1"), ear, Settings())
    await until(lambda: ear.is_away is False)

    failing.freeze()
    bus.post(0, b"once")
    await until(lambda: ear.is_away)
    failing.thaw()
    await until(lambda: ear.taken)
    bus.post(0, b"after")

    await until(lambda: ear.envelopes[-1:] == [b"after"])
    assert ear.envelopes == [b"once", b"after"]
    await bus.close()


async def test_servers_that_begin_at_once_share_what_each_would_make(url: str) -> None:
    settings = Settings(uuid4().hex)
    made = [(NatsBus(url), Ear()) for _ in range(5)]
    for index, (bus, ear) in enumerate(made):
        await bus.open(Node(f"w{index}", "1"), ear, settings)
    await until(lambda: all(ear.is_away is False for _, ear in made))

    for bus, _ in made:
        bus.post(0, b"hello")

    await until(lambda: all(len(ear.taken) == 5 for _, ear in made))
    assert len({tuple(ear.taken) for _, ear in made}) == 1
    assert len({bus.epoch for bus, _ in made}) == 1
    for bus, _ in made:
        await bus.close()


# -- what is in the broker


@pytest.fixture
async def ear(url: str) -> AsyncIterator[Any]:
    """An engine with a listener in a namespace of its own, a client, and its names."""
    bus, listener = NatsBus(url), Ear()
    namespace = uuid4().hex
    await bus.open(Node("w0", "1"), listener, Settings(namespace, lease=0.6))
    await until(lambda: listener.known)
    client = await nats.connect(url)
    yield bus, listener, client, Names(namespace, "w0")
    await client.close()
    await bus.close()


async def test_nonsense_in_a_stream_or_beside_it_loses_nothing_else(ear: Any) -> None:
    bus, listener, client, names = ear
    bus.post(0, b"first")
    await until(lambda: listener.taken)

    for subject in (names.live(0), names.live("w0"), names.subject(0), names.subject("w0")):
        await client.publish(subject, b"nonsense")
    await client.publish(names.live(0), b"", headers={"Nats-Sequence": "x", "Nats-Stream": "y"})
    await client.jetstream().stream_info(names.stream(0))  # behind it, all of that is there
    bus.post(0, b"second")

    await until(lambda: listener.envelopes[-1:] == [b"second"])
    real = [each for each in listener.envelopes if each in (b"first", b"second")]
    assert real == [b"first", b"second"]
    assert [each.envelope for each in await bus.since(0, 0, 100)] == [b"first", b"second"]
    assert listener.gaps == []


async def test_what_came_by_no_subscription_is_found(ear: Any) -> None:
    bus, listener, client, names = ear
    bus.post(0, b"first")
    await until(lambda: listener.taken)
    jetstream = client.jetstream()
    config = (await jetstream.stream_info(names.stream(0))).config

    await jetstream.update_stream(replace(config, republish=None))
    await jetstream.publish(names.subject(0), b"\0\0\0\6second")

    await until(lambda: len(listener.taken) == 2)
    assert listener.envelopes == [b"first", b"second"]
    assert listener.gaps == []


async def test_what_is_gone_before_it_is_read_is_a_gap(ear: Any) -> None:
    bus, listener, client, names = ear
    bus.post(0, b"first")
    await until(lambda: listener.taken)
    jetstream = client.jetstream()
    config = (await jetstream.stream_info(names.stream(0))).config

    await jetstream.update_stream(replace(config, republish=None))
    bus.post(0, b"unseen")
    await bus.flush()
    await jetstream.purge_stream(names.stream(0))
    await jetstream.update_stream(config)
    bus.post(0, b"last")

    await until(lambda: listener.envelopes[-1:] == [b"last"])
    assert listener.envelopes == [b"first", b"last"]
    assert listener.gaps == [0]


async def test_what_is_trimmed_is_not_kept(ear: Any) -> None:
    bus, listener, client, names = ear
    for n in range(6):
        bus.post(0, b"%d" % n)
        await bus.flush()
    await until(lambda: len(listener.taken) == 6)
    at = [position for _, position, _ in listener.taken]

    await client.jetstream().purge_stream(names.stream(0), keep=2)

    assert await bus.since(0, 0, 10) is None
    assert await bus.since(0, at[2], 10) is None
    assert [each.envelope for each in await bus.since(0, at[3], 10) or ()] == [b"4", b"5"]
    assert await bus.kept(0, 10) == (at[3], [(at[4], b"4"), (at[5], b"5")])
    await client.jetstream().purge_stream(names.stream(0))
    assert await bus.since(0, at[5], 10) == []
    assert await bus.since(0, at[4], 10) is None
    assert await bus.kept(0, 10) == (at[5], [])


async def test_an_entry_that_was_taken_out_is_missing(ear: Any) -> None:
    bus, listener, client, names = ear
    for n in range(4):
        bus.post(0, b"%d" % n)
        await bus.flush()
    await until(lambda: len(listener.taken) == 4)
    at = [position for _, position, _ in listener.taken]

    await client.jetstream().delete_msg(names.stream(0), at[2] >> 16)

    assert await bus.since(0, at[0], 10) is None
    assert await bus.kept(0, 10) == (at[2], [(at[3], b"3")])


async def test_the_window_of_a_stream_is_that_of_the_server_that_opened_last(
    ear: Any, url: str
) -> None:
    _, _, client, names = ear
    other, listener = NatsBus(url), Ear()
    namespace = names.state.removeprefix("primus-").removesuffix("-state")

    await other.open(Node("w1", "1"), listener, Settings(namespace, window=30.0))
    await until(lambda: listener.known)

    config = (await client.jetstream().stream_info(names.stream(0))).config
    assert (config.max_age, config.storage) == (30.0, "memory")
    await other.close()


@pytest.mark.parametrize("record", [b"", b"nonsense", b"[]", b"7", b'["a", "b"]'])
async def test_records_that_are_none_are_no_servers(ear: Any, record: bytes) -> None:
    bus, _, client, names = ear

    await client.jetstream().publish(names.node("strange"), record)

    assert [node.name for node in await bus.nodes()] == ["w0"]


async def test_a_server_whose_lease_has_ended_is_none(ear: Any) -> None:
    bus, _, client, names = ear
    record = b'["dead", "1", {}]'
    await client.jetstream().publish(names.node("dead"), record, msg_ttl=1)
    known = [node.name for node in await bus.nodes()]

    async with asyncio.timeout(20):
        while len(await bus.nodes()) > 1:
            await asyncio.sleep(0.02)

    assert sorted(known) == ["dead", "w0"]
    assert not await bus.tell("dead", b"hello")


async def test_the_former_server_of_a_name_does_not_take_it_back(url: str) -> None:
    settings = Settings(uuid4().hex, lease=0.3)
    (old, ear), (new, other) = (NatsBus(url), Ear()), (NatsBus(url), Ear())
    await old.open(Node("w0", "old"), ear, settings)
    await until(lambda: ear.known)

    await new.open(Node("w0", "new"), other, settings)
    await until(lambda: ear.rivals)
    await old.close()

    assert [node.incarnation for node in await new.nodes()] == ["new"]
    assert ear.rivals[0].incarnation == "new"
    assert other.rivals == []
    await new.close()


async def test_any_namespace_and_any_name_of_a_server_will_do(url: str) -> None:
    namespace, name = f"a.b-{uuid4().hex}", "w.0 *>"
    (bus, ear), (near, other) = (NatsBus(url), Ear()), (NatsBus(url), Ear())
    await bus.open(Node(name, "1"), ear, Settings(namespace))
    await near.open(Node(name, "1"), other, Settings(namespace.replace(".", "-")))
    await until(lambda: ear.known and other.known)

    assert await bus.tell(name, b"hello")

    await until(lambda: ear.heard)
    assert [node.name for node in ear.known] == [name]
    assert other.heard == []
    await bus.close()
    await near.close()


async def test_a_parked_value_is_taken_once_by_many_that_ask_at_once(ear: Any) -> None:
    bus = ear[0]
    await bus.park("any key.*>", b"value", 60.0)

    taken = await asyncio.gather(*(bus.unpark("any key.*>") for _ in range(8)))

    assert [each for each in taken if each is not None] == [b"value"]


async def test_a_parked_value_lasts_for_whole_seconds(ear: Any) -> None:
    bus, _, client, names = ear
    await bus.park("key", b"value", 1.2)

    message = await client.jetstream().get_last_msg(names.state, names.parked("key"))

    assert message.headers["Nats-TTL"] == "2s"


# -- URLs


def test_the_engine_is_found_by_its_scheme() -> None:
    assert repr(bus_of("nats://user:secret@example:7000")) == "<NatsBus nats://example:7000>"
    assert repr(bus_of("tls://one,tls://two")) == "<NatsBus tls://one,tls://two>"


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(OptionError, match="must be a URL"):
        NatsBus("nats:localhost")


def test_a_port_that_is_none_is_refused_without_a_word_of_the_password() -> None:
    with pytest.raises(OptionError, match="the port of the URL is none") as refused:
        NatsBus("nats://user:se/cret@example")

    assert "cret" not in str(refused.value)


async def test_before_it_is_open_it_does_nothing() -> None:
    bus = NatsBus("nats://localhost")

    bus.post(0, b"lost")
    await bus.flush()
    await bus.close()

    assert (bus.epoch, list(bus.positions)) == ("", [])
    assert not await bus.tell("w0", b"hello")
    with pytest.raises(BusError, match="is not open"):
        await bus.nodes()


async def test_a_publisher_that_cannot_reach_the_broker_says_so(failing: Broker) -> None:
    failing.kill()
    bus = NatsBus(failing.url)
    settings = Settings(limits=replace(FAST, flush_timeout=0.1))
    await bus.open(Node("pen", "1"), None, settings)

    bus.post(0, b"hello")
    with pytest.raises(BusError, match="has not taken all"):
        await bus.flush()
    await bus.close()
