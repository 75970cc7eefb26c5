"""The engine of NATS, with a real broker that fails in every way it can."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest
from nats.aio.client import Client

from primus import OptionError
from primus_backplane import Bus, BusError, Node, Settings
from primus_backplane.engines import bus_of
from primus_backplane.limits import BusLimits
from primus_backplane.nats import NatsBus
from primus_backplane.nats.broker import Broker as NatsBroker
from primus_backplane.nats.names import Names
from primus_backplane.testing import (
    FAST,
    SHORT,
    BusContract,
    Ear,
    Make,
    OutageContract,
    numbers,
    until,
    warnings_in,
    with_limits,
    write_numbers,
)
from primus_testing import Recorder, Tracebacks, eventually, join

SCRIPTS = Path(sysconfig.get_path("scripts"))
NOT_ALLOWED = """
    no_auth_user: a,
    authorization {users: [{user: a, password: b, permissions: {publish: [b], subscribe: [b]}}]}
"""
"""Servers may connect, and do nothing."""


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
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # it may be at work until then

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


async def empty_again(broker: Broker, name: str) -> None:
    """Let a stream be as that of a cluster whose server was lost, and has been started again."""
    client = await nats.connect(broker.url)
    jetstream = client.jetstream()
    former = (await jetstream.stream_info(name)).config
    await jetstream.delete_stream(name)
    await jetstream.add_stream(former)
    await client.close()


class TestOutages(OutageContract):
    """What servers lose, repeat and tell when it fails."""

    @pytest.fixture
    async def broker(self, tmp_path: Path) -> AsyncIterator[Broker]:
        broker = Broker(tmp_path)
        broker.start()
        await broker.ready()
        yield broker
        broker.kill()

    def bus(self, url: str) -> Bus:
        return NatsBus(url)

    async def test_a_stream_that_is_lost_is_made_again_and_ends_the_epoch(
        self, broker: Broker, pair: Any
    ) -> None:
        one, two, mine, theirs = pair
        gaps = Recorder(two.backplane, "gap")
        epoch = one.backplane.epoch
        await write_numbers(one, 0, 20)
        await eventually(lambda: len(theirs.sent) == 20)

        client = await nats.connect(broker.url)
        await client.jetstream().delete_stream("primus-primus-bus-0")
        await write_numbers(one, 20, 20)
        await client.close()

        await eventually(lambda: len(theirs.sent) >= 40)
        await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)
        assert numbers(mine) == numbers(theirs) == list(range(40))
        assert gaps.seen("gap") == []

    @pytest.mark.parametrize("is_cut", [True, False])
    async def test_a_stream_that_is_empty_again_loses_nothing(
        self, broker: Broker, pair: Any, is_cut: bool
    ) -> None:
        one, two, mine, theirs = pair
        gaps = Recorder(two.backplane, "gap")
        epoch = one.backplane.epoch
        for number in range(20):
            await write_numbers(one, number, 1)
            await one.backplane.bus.flush()
        await eventually(lambda: len(theirs.sent) == 20)

        await empty_again(broker, "primus-primus-bus-0")
        if is_cut:
            for each in (one, two):
                each.backplane.bus._link.lose(ConnectionResetError("lost"))
        await write_numbers(one, 20, 20)

        await eventually(lambda: len(theirs.sent) >= 40)
        await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)
        assert numbers(mine) == numbers(theirs) == list(range(40))
        assert gaps.seen("gap") == []

    async def test_what_is_told_by_a_stream_that_is_empty_again_arrives(
        self, broker: Broker, pair: Any
    ) -> None:
        one, two, _, _ = pair
        spark, wire = join(two)
        for number in range(5):
            assert await one.backplane.spark(spark.id).write(number)
        await eventually(lambda: len(wire.sent) == 5)

        await empty_again(broker, "primus-primus-to")
        assert await one.backplane.spark(spark.id).write(5)

        await eventually(lambda: len(wire.sent) == 6)
        assert numbers(wire) == list(range(6))

    async def test_a_message_that_the_broker_does_not_take_is_dropped_and_said(
        self, pair: Any, tracebacks: Tracebacks
    ) -> None:
        one, _, _, theirs = pair
        tracebacks.expect("max_payload of NATS is 1048576; raise it to max_length and 8 KiB")

        one.backplane.bus.post(0, b"x" * (1 << 20))
        with pytest.raises(BusError):
            await one.backplane.bus.tell("w1", b"x" * (1 << 20))
        await write_numbers(one, 0, 10)

        await eventually(lambda: len(theirs.sent) == 10)
        assert numbers(theirs) == list(range(10))
        assert one.backplane.dropped == 1

    async def test_short_messages_are_not_dropped_since_they_go_together(
        self, broker: Broker, tmp_path: Path, tracebacks: Tracebacks
    ) -> None:
        tracebacks.expect("a message of 4004 bytes is dropped: max_payload of NATS is 4096")
        broker.kill()
        (tmp_path / "config").write_text("jetstream: true, max_payload: 4096")
        broker.start("-c", str(tmp_path / "config"))
        bus, ear = with_limits(self.bus(broker.url), FAST), Ear()
        await bus.open(Node("w0", "1"), ear, Settings())
        await until(lambda: ear.is_away is False)
        sent = [b"%d" % number + bytes(1000) for number in range(10)]

        for envelope in (*sent[:5], bytes(4000), *sent[5:]):
            bus.post(0, envelope)

        await until(lambda: len(ear.taken) == 10)
        assert ear.envelopes == sent
        await until(lambda: bus._poster._dropped == 1)
        await bus.close()

    async def test_parts_are_lost_to_none_of_another_length_when_max_payload_changes(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bus, ear = with_limits(self.bus(broker.url), FAST), Ear()
        await bus.open(Node("w0", "1"), ear, Settings())
        await until(lambda: ear.is_away is False)
        payloads, publish = [4096], NatsBroker.publish
        monkeypatch.setattr(Client, "max_payload", property(lambda _: payloads[-1]))
        published = []

        async def cut(self: NatsBroker, *args: Any) -> None:
            await publish(self, *args)
            published.append(args)
            if len(published) == 2:
                payloads.append(1_000_000)
                raise ConnectionResetError("between two parts")

        monkeypatch.setattr(NatsBroker, "publish", cut)
        sent = [b"%d" % number + bytes(1000) for number in range(10)]
        for envelope in sent:
            bus.post(0, envelope)

        await bus.flush()
        await until(lambda: ear.envelopes[-1:] == sent[-1:])
        assert list(dict.fromkeys(ear.envelopes)) == sent
        await bus.close()

    async def test_a_broker_without_jetstream_is_away(self, broker: Broker) -> None:
        broker.kill()
        broker.start("--trace=false")
        bus, ear = with_limits(self.bus(broker.url), FAST), Ear()

        await bus.open(Node("w0", "1"), ear, Settings())

        await until(lambda: ear.is_away)
        await bus.close()

    @pytest.mark.parametrize(
        ("config", "why"),
        [
            ("jetstream: true, authorization {user: a, password: b}", "'Authorization Violation'"),
            ("jetstream: true," + NOT_ALLOWED, "permissions violation for"),
            ("jetstream: false", "ServiceUnavailableError"),
        ],
    )
    async def test_a_broker_that_is_back_and_refuses_is_told_of(
        self, broker: Broker, make: Make, tmp_path: Path, caplog: Any, config: str, why: str
    ) -> None:
        one = await make("w0", limits=SHORT)
        events = Recorder(one.backplane, "away")
        broker.kill()
        await events.next("away")

        (tmp_path / "config").write_text(config)
        broker.start("-c", str(tmp_path / "config"))

        await eventually(lambda: "can be reached again, but refuses" in caplog.text)
        assert why in warnings_in(caplog)[-1]

    async def test_a_broker_that_is_too_old_is_away_and_the_line_says_why(self) -> None:
        async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            info = {"server_id": "a", "version": "2.10.29", "max_payload": 1000, "headers": True}
            writer.write(f"INFO {json.dumps(info)}\r\n".encode())
            while line := await reader.readline():
                if line == b"PING\r\n":
                    writer.write(b"PONG\r\n")
            writer.close()

        server = await asyncio.start_server(old, "127.0.0.1", 0)
        url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        bus, ear = with_limits(self.bus(url), FAST), Ear()
        reasons: list[str] = []
        ear.away = reasons.append  # type: ignore[method-assign]
        await bus.open(Node("w0", "1"), ear, Settings())

        await until(lambda: reasons)

        assert reasons[0].endswith("2.11 or later is needed")
        await bus.close()
        server.close()

    async def test_what_may_have_arrived_is_sent_again_and_is_not_there_twice(
        self, broker: Broker
    ) -> None:
        bus, ear = with_limits(self.bus(broker.url), SHORT), Ear()
        await bus.open(Node("w0", "1"), ear, Settings())
        await until(lambda: ear.is_away is False)

        broker.freeze()
        bus.post(0, b"once")
        await until(lambda: ear.is_away)
        broker.thaw()
        await until(lambda: ear.taken)
        bus.post(0, b"after")

        await until(lambda: ear.envelopes[-1:] == [b"after"])
        assert ear.envelopes == [b"once", b"after"]
        await bus.close()

    async def test_servers_that_begin_at_once_share_what_each_would_make(self, url: str) -> None:
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
