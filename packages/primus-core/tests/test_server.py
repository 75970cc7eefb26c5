"""`Primus` itself, where no other file looks."""

import asyncio
import gc
import json
import socket
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from primus import (
    AttachError,
    InvalidPluginError,
    Primus,
    PrimusError,
    Request,
    Response,
    Spark,
    Transformer,
    Transport,
)
from primus.browser import Browser
from primus.connection import Connection
from primus.heartbeat import Generation
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    MemoryTransport,
    Recorder,
    Tracebacks,
    eventually,
    join,
    make_request,
    running,
)

MakePrimus = Callable[..., Primus]


class NeedsMore(MemoryTransformer):
    """A transformer that no host can carry."""

    name = "needs-more"
    needs = frozenset({"telepathy"})


class Bare(Transformer):
    """A transformer with a server half only."""

    async def request(self, request: Request) -> Response:
        return Response(200)

    async def upgrade(self, request: Request) -> Response | None:
        return None


class Modern(MemoryTransport):
    """A wire whose peers are known to wait for pings."""

    generation = Generation.MODERN


def test_a_primus_without_a_server_is_not_attached(primus: Primus) -> None:
    assert primus.host is None
    assert repr(primus) == "<Primus memory json at /primus>"
    assert primus
    assert len(primus) == 0


@pytest.mark.parametrize("server", [object(), "http", 8080])
def test_a_server_of_no_known_kind_is_refused(make_primus: MakePrimus, server: Any) -> None:
    with pytest.raises(AttachError, match="cannot attach to"):
        Primus(server, transformer=MemoryTransformer)


def test_a_transformer_that_the_host_cannot_carry_says_so_at_once() -> None:
    with pytest.raises(AttachError, match="'needs-more' needs telepathy"):
        Primus(web.Application(), transformer=NeedsMore)


async def test_an_application_that_runs_already_is_refused() -> None:
    app = web.Application()
    app.freeze()
    with pytest.raises(AttachError, match="running already"):
        Primus(app, transformer=MemoryTransformer)


def test_the_halves_that_a_transformer_lacks_are_named(make_primus: MakePrimus) -> None:
    primus = make_primus(transformer=Bare)
    with pytest.raises(InvalidPluginError, match="'custom' has no browser half"):
        primus.library()
    with pytest.raises(InvalidPluginError, match="'custom' has no Python client half"):
        Bare.connector()


def test_only_a_server_of_its_own_knows_where_it_listens(primus: Primus) -> None:
    with pytest.raises(PrimusError, match="only a Primus made by create_server"):
        _ = primus.url
    with pytest.raises(PrimusError, match="only a Primus made by create_server"):
        _ = primus.port


async def test_initialised_is_emitted_once_with_what_was_chosen(primus: Primus) -> None:
    seen = Recorder(primus, "initialised")
    await primus.handle(make_request("/primus/spec"))
    await primus.handle(make_request("/primus/spec"))
    assert seen.seen("initialised") == [(primus.transformer, primus.parser, primus.options)]


async def test_a_server_of_its_own_is_initialised_when_it_listens() -> None:
    told: list[tuple[str, int]] = []

    def setup(primus: Primus) -> None:
        with pytest.raises(PrimusError, match="knows where it listens"):
            _ = primus.url
        primus.on("initialised", lambda: told.append((primus.url, primus.port)))

    primus = await Primus.create_server(
        host="127.0.0.1", setup=setup, transformer=MemoryTransformer, iknowhttpsisbetter=True
    )

    assert told == [(f"http://127.0.0.1:{primus.port}", primus.port)]
    await primus.destroy()


def test_the_names_that_primus_emits_are_reserved(primus: Primus) -> None:
    spark, _ = join(primus)
    for name in ("connection", "disconnection", "initialised", "plugin", "plugout", "close", "log"):
        assert primus.reserved(name), name
    for name in ("data", "end", "error", "heartbeat", "readyStateChange", "outgoing::anything"):
        assert spark.reserved(name), name
    assert not spark.reserved("connection")
    assert not primus.reserved("data")


def test_a_spark_takes_attributes(primus: Primus) -> None:
    spark, _ = join(primus)
    spark.colour = "green"  # type: ignore[attr-defined]
    assert repr(spark) == f"<Spark {spark.id}>"
    assert spark.primus is primus
    assert isinstance(spark, primus.Spark)
    assert issubclass(primus.Spark, Spark)
    assert (Spark.OPENING, Spark.CLOSED, Spark.OPEN) == (1, 2, 3)


def test_every_server_has_a_spark_class_of_its_own(make_primus: MakePrimus) -> None:
    one, two = make_primus(), make_primus()
    one.Spark.shout = lambda spark: "hey"  # type: ignore[attr-defined]
    assert join(one)[0].shout() == "hey"  # type: ignore[attr-defined]
    assert not hasattr(join(two)[0], "shout")


def test_what_the_wire_knows_a_spark_by_finds_it_and_is_not_its_id(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus()
    spark = primus.accept(MemoryTransport(), make_request(), "secret")
    assert spark.id != "secret"
    assert primus.spark("secret") is primus.spark(spark.id) is spark
    assert "secret" not in repr(spark)
    spark.end()
    assert primus.spark("secret") is None


def test_a_wire_that_repeats_itself_does_not_lose_sparks(make_primus: MakePrimus) -> None:
    primus = make_primus()
    one = primus.accept(MemoryTransport(), make_request(), "secret")
    two = primus.accept(MemoryTransport(), make_request(), "secret")
    one.end()
    assert primus.spark("secret") is two
    assert one.id != two.id


@pytest.mark.parametrize("given", ["same", "", None, 7, b"bytes"])
def test_an_id_generator_that_repeats_itself_or_gives_no_text_does_not_lose_sparks(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    primus = make_primus(id_generator=lambda: given)
    sparks = [join(primus)[0] for _ in range(3)]
    assert len({spark.id for spark in sparks}) == 3
    assert all(isinstance(spark.id, str) and spark.id for spark in sparks)
    assert f"id_generator gave {given!r}" in caplog.text


def test_ids_cannot_be_guessed(primus: Primus) -> None:
    ids = {join(primus)[0].id for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) >= 20


async def test_for_each_visits_sparks_that_connect_meanwhile(primus: Primus) -> None:
    join(primus)
    visited: list[Spark] = []

    async def visit(spark: Spark) -> None:
        visited.append(spark)
        if len(visited) < 3:
            join(primus)

    visiting = primus.for_each(visit)
    assert visiting is not None
    await visiting
    assert visited == list(primus)


def test_the_key_of_a_wire_goes_with_its_spark_and_with_no_other(primus: Primus) -> None:
    first = primus.accept(MemoryTransport(), make_request(), "key")
    second = primus.accept(MemoryTransport(), make_request(), "key")
    first.abort()
    assert primus.spark("key") is second
    second.abort()
    assert primus.spark("key") is None


async def test_for_each_ends_at_once_when_the_first_says_so(primus: Primus) -> None:
    visited: list[Spark] = []
    join(primus)
    join(primus)

    def visit(spark: Spark) -> Any:
        visited.append(spark)
        return asyncio.sleep(0, False)

    await primus.for_each(visit)
    assert len(visited) == 1


async def test_for_each_awaits_plain_functions_that_return_awaitables(primus: Primus) -> None:
    for _ in range(3):
        join(primus)
    visited: list[Spark] = []

    def visit(spark: Spark) -> Any:
        visited.append(spark)
        return asyncio.sleep(0, len(visited) < 2)

    visiting = primus.for_each(visit)
    assert visiting is not None
    await visiting
    assert len(visited) == 2


def test_sparks_may_leave_while_they_are_iterated_over(primus: Primus) -> None:
    for _ in range(3):
        join(primus)
    for spark in primus:
        spark.end()
    assert len(primus) == 0


# -- heartbeats


def test_a_wire_that_knows_its_peers_is_believed(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    primus = make_primus()
    spark = primus.accept(Modern(), make_request())
    assert spark.heartbeat_state.generation is Generation.MODERN


@pytest.mark.parametrize("option", ["legacy", "modern"])
def test_the_option_decides_over_the_wire(make_primus: MakePrimus, option: str) -> None:
    spark = make_primus(heartbeat=option).accept(Modern(), make_request())
    assert spark.heartbeat_state.generation.value == option


def test_a_legacy_server_does_not_ping(make_primus: MakePrimus, manual_clock: ManualClock) -> None:
    _, wire = join(make_primus(heartbeat="legacy"))
    manual_clock.advance(34)
    assert wire.sent == []
    manual_clock.advance(3)
    assert wire.closed == (None, "")
    assert wire.sent == []


def test_a_pong_that_waits_while_the_process_is_busy_is_in_time(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    spark, wire = join(make_primus(ping_interval=10, timeout=10))
    manual_clock.advance(11)
    assert wire.sent[-1].startswith('"primus::ping::')

    manual_clock.block(60)
    wire.receive('"primus::pong::1"')
    manual_clock.advance(5)

    assert spark.ready_state == Spark.OPEN


async def test_a_connection_that_we_do_not_read_is_not_taken_for_dead(
    primus: Primus, manual_clock: ManualClock
) -> None:
    spark, wire = join(primus)
    gate = asyncio.Event()

    @spark.on("data")
    async def wait(message: Any) -> None:
        await gate.wait()

    wire.receive(*map(str, range(50)))
    await eventually(lambda: wire.paused)
    manual_clock.advance(200)
    assert spark.ready_state == Spark.OPEN
    gate.set()
    await eventually(lambda: not wire.paused)


async def test_a_connection_that_takes_nothing_either_is_ended_though_it_is_not_read(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    primus = make_primus(ping_interval=False, high_water=10, slow_consumer="drop")
    spark, wire = join(primus)
    gate = asyncio.Event()

    @spark.on("data")
    async def wait(message: Any) -> None:
        await gate.wait()

    wire.receive(*map(str, range(50)))
    await eventually(lambda: wire.paused)
    wire.clog()
    spark.write("more than ten bytes")
    assert spark.is_congested
    manual_clock.advance(40)
    assert spark.ready_state == Spark.CLOSED
    gate.set()


def test_a_thousand_sparks_are_each_pinged_and_ended_in_time(
    primus: Primus, manual_clock: ManualClock
) -> None:
    met = []
    for _ in range(100):
        met.append(join(primus))
        manual_clock.advance(0.5)
    for _ in range(60):
        manual_clock.advance(1.0)
        for number, (_, wire) in enumerate(met):
            if number % 2 and wire.sent and not wire.gone:
                wire.receive('"primus::pong::1"')
    alive = [spark.ready_state == Spark.OPEN for spark, _ in met]
    assert alive == [bool(number % 2) for number in range(100)]
    assert len(primus) == 50


# -- clients in the browser


def test_the_client_is_compiled_once_until_something_changes(primus: Primus) -> None:
    before = primus.library()
    assert primus.library() is before
    primus.authorize(lambda request: None)
    assert primus.library() is not before


def test_save_writes_the_bytes_that_are_served(primus: Primus, tmp_path: Path) -> None:
    for name, text in (
        ("primus.js", primus.library()),
        ("primus.mjs", primus.library("esm")),
        ("primus.d.ts", primus.declarations()),
        ("primus.d.mts", primus.declarations("esm")),
    ):
        primus.save(tmp_path / name)
        primus.save(str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == text.encode()


def test_a_format_that_does_not_exist_is_refused(primus: Primus) -> None:
    with pytest.raises(PrimusError, match="'umd' or 'esm', not as 'amd'"):
        primus.library("amd")


def test_a_browser_half_is_two_texts() -> None:
    assert Browser() == Browser(client="", library="")


# -- the end


async def test_async_close_listeners_are_awaited(primus: Primus) -> None:
    steps: list[str] = []

    @primus.on("close")
    async def closing(options: Any) -> None:
        await asyncio.sleep(0)
        steps.append("closed")

    await primus.destroy()
    assert steps == ["closed"]


async def test_a_close_listener_that_raises_does_not_stop_the_end(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'close' raised")

    @primus.on("close")
    def fails() -> None:
        raise KeyError

    await primus.destroy()
    assert primus.listeners("close") == ()


async def test_a_server_that_has_ended_leaves_no_timer(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    primus = make_primus()
    _, wire = join(primus)
    primus.writes.keep(wire)  # type: ignore[arg-type]  # it has all that is asked of it
    assert manual_clock.pending
    await primus.destroy()
    assert manual_clock.pending == 0


async def test_what_is_written_after_the_end_of_a_server_is_not_watched(
    primus: Primus, manual_clock: ManualClock
) -> None:
    await primus.destroy()
    primus.writes.keep(MemoryTransport())  # type: ignore[arg-type]
    assert len(primus.writes) == manual_clock.pending == 0


async def test_a_transformer_closes_behind_its_connections_and_before_the_listeners(
    primus: Primus,
) -> None:
    story: list[str] = []
    close = primus.transformer.close

    async def closed() -> None:
        story.append(f"transformer, {len(primus)} connections")
        await close()

    primus.transformer.close = closed  # type: ignore[method-assign]
    join(primus)
    primus.on("close", lambda: story.append("close"))
    await primus.destroy()
    assert story == ["transformer, 0 connections", "close"]


async def test_end_is_another_name_of_destroy(primus: Primus) -> None:
    spark, wire = join(primus)
    await primus.end(reconnect=True)
    assert spark.ready_state == Spark.CLOSED
    assert wire.sent == []
    assert wire.closed == (None, "")


async def test_the_shutdown_of_an_application_lets_clients_come_back(
    tracebacks: Tracebacks,
) -> None:
    async with running(transformer=MemoryTransformer) as server:
        closed = Recorder(server.primus, "close")
        await server.site.stop()
        assert closed.seen("close")[0][0]["reconnect"] is True


async def test_a_primus_can_be_destroyed_while_its_application_goes_on(
    tracebacks: Tracebacks,
) -> None:
    async with running(transformer=MemoryTransformer) as server:
        await server.primus.destroy()
        assert (await server.get("/original")).text == "original listener"


async def test_two_servers_share_an_application(tracebacks: Tracebacks) -> None:
    app = web.Application()
    one = Primus(app, pathname="/one", transformer=MemoryTransformer)
    async with running(app=app, pathname="/two", transformer=MemoryTransformer) as server:
        assert json.loads((await server.get("/one/spec")).text)["pathname"] == "/one"
        assert json.loads((await server.get("/two/spec")).text)["pathname"] == "/two"
    assert one.draining


def test_a_connection_is_what_sparks_and_sockets_have_in_common() -> None:
    assert issubclass(Spark, Connection)
    assert issubclass(MemoryTransport, Transport)


def test_a_spark_that_ends_while_others_are_looked_at_is_watched_no_longer(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    primus = make_primus()
    sparks = [join(primus)[0] for _ in range(2)]
    for spark, other in (sparks, reversed(sparks)):
        spark.on("outgoing::ping", lambda stamp, other=other: other.end())
    manual_clock.advance(31)
    assert len(primus) == 1
    assert len(primus._heartbeats) == 1


async def test_a_primus_of_an_application_below_another_is_found_there() -> None:
    outer, inner = web.Application(), web.Application()
    primus = Primus(inner)
    outer.add_subapp("/api", inner)
    async with running(outer, pathname="/other") as server:
        spec = (await server.get("/api/primus/spec")).json()
        client = (await server.get("/api/primus/primus.js")).text
        assert (await server.get("/api/primus")).status == 426
    assert spec["pathname"] == "/api/primus"
    assert 'pathname: "/api/primus",' in client
    assert primus.pathname == "/api/primus"


async def test_a_connection_that_a_browser_keeps_does_not_hold_up_the_end() -> None:
    primus = await Primus.create_server(None, host="127.0.0.1", transformer=MemoryTransformer)
    reader, writer = await asyncio.open_connection("127.0.0.1", primus.port)
    writer.write(b"GET /primus/spec HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"}")
    loop = asyncio.get_running_loop()
    begun = loop.time()

    await primus.destroy()

    assert loop.time() - begun < primus.limits.shutdown_timeout
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("on", ["aiohttp", "own"])
async def test_an_idle_connection_keeps_nothing_of_what_was_watched_for(on: str) -> None:
    class Session:
        def lost(self) -> None:
            """Nothing is to be done."""

    kept: list[weakref.ref[Session]] = []

    def watch(request: Request) -> None:
        session = Session()
        kept.append(weakref.ref(session))
        request.on_gone(session.lost)

    async with running(on=on, transformer=MemoryTransformer) as server:
        server.primus.before("watch", watch, index=0)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /primus/spec HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")

        await eventually(lambda: gc.collect() >= 0 and kept[0]() is None)
        writer.close()


@pytest.mark.parametrize("host", ["127.0.0.1", None])
async def test_connections_of_a_server_of_its_own_send_at_once(host: str | None) -> None:
    primus = await Primus.create_server(None, host=host, transformer=MemoryTransformer)
    told: list[int] = []

    @primus.before("watch", index=0)
    def watch(request: Request) -> None:
        connection = request.native.get_extra_info("socket")
        told.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    reader, writer = await asyncio.open_connection("127.0.0.1", primus.port)
    writer.write(b"GET /primus/spec HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"}")
    assert told == [1]
    writer.close()
    await primus.destroy()
