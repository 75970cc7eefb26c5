"""What a server answers that it does not let in, and what it keeps of such a request."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus, Request, Response, Spark, hookimpl
from primus.errors import PluginError, ProtocolError
from primus.http import BodyTooLarge, ClientGone
from primus_testing import (
    DEADLINE,
    ManualClock,
    MemoryTransformer,
    MemoryTransport,
    NotingTransport,
    Tracebacks,
    eventually,
    join,
    make_request,
)

MakePrimus = Callable[..., Primus]

UPGRADE: dict[str, Any] = {"websocket": lambda: None}


class Reading(MemoryTransformer):
    """Raises what reading the body of a request or an upgrade raises."""

    error: Exception

    async def request(self, request: Request) -> Response:
        raise self.error

    async def upgrade(self, request: Request) -> Response | None:
        raise self.error


class Opening(MemoryTransformer):
    """Makes a connection of every upgrade."""

    async def upgrade(self, request: Request) -> Response | None:
        self.primus.accept(MemoryTransport(), request)
        return None


async def status(primus: Primus, request: Request) -> int | None:
    """The status of an answer; `None` for a connection."""
    answer = await primus.handle(request)
    return None if answer is None else answer.status


async def test_a_server_that_ends_refuses_upgrades_and_answers_requests(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Opening)
    ended = asyncio.Event()
    primus.on("close", ended.wait)
    ending = asyncio.ensure_future(primus.destroy())
    await asyncio.sleep(0)
    assert await status(primus, make_request(**UPGRADE)) == 503
    assert await status(primus, make_request()) == 426
    assert primus.stats.refused == {"shutdown": 1}
    assert primus.connected == 0
    ended.set()
    await ending


async def test_layers_that_take_longer_than_a_handshake_may_are_answered_for(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Opening, handshake_timeout=0.01)
    ended: list[str] = []

    @primus.before("slow")
    async def slow(request: Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    assert await status(primus, make_request(**UPGRADE)) == 408
    assert ended == ["ended"]
    assert primus.stats.refused == {"timeout": 1}


async def test_a_timeout_that_a_layer_raises_is_a_failure_of_that_layer(
    make_primus: MakePrimus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a middleware layer raised")
    primus = make_primus(transformer=Opening, handshake_timeout=1000.0)

    @primus.before("asks")
    async def asks(request: Request) -> None:
        raise TimeoutError("the database does not answer")

    assert await status(primus, make_request(**UPGRADE)) == 500
    assert primus.stats.refused == {"failed": 1}


@pytest.mark.parametrize("request_of", [{}, UPGRADE], ids=["request", "upgrade"])
@pytest.mark.parametrize("where", ["layer", "transformer"])
@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (BodyTooLarge("more than 10 bytes"), 413),
        (ProtocolError("no chunks"), 400),
        (ClientGone("it has gone"), 400),
    ],
    ids=["too large", "malformed", "gone"],
)
async def test_a_body_that_cannot_be_read_is_its_clients_fault_and_not_logged_as_ours(
    make_primus: MakePrimus,
    caplog: pytest.LogCaptureFixture,
    request_of: dict[str, Any],
    where: str,
    error: Exception,
    answered: int,
) -> None:
    primus = make_primus(transformer=type("Reading", (Reading,), {"error": error}))
    if where == "layer":

        @primus.before("reads")
        def reads(request: Request) -> None:
            raise error

    assert await status(primus, make_request(**request_of)) == answered
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.parametrize("code", [500, 502])
async def test_an_upgrade_that_a_layer_answers_with_an_error_of_the_server_has_failed(
    make_primus: MakePrimus, code: int
) -> None:
    primus = make_primus(transformer=Opening)
    primus.before("broken", lambda request: Response.error(code))
    assert await status(primus, make_request(**UPGRADE)) == code
    assert primus.stats.refused == {"failed": 1}


async def test_an_upgrade_that_a_layer_answers_without_an_error_is_no_refusal(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Opening)
    primus.before("told", lambda request: Response(399, "elsewhere"))
    assert await status(primus, make_request(**UPGRADE)) == 399
    assert primus.stats.refused == {}


async def test_a_client_that_goes_while_it_is_decided_about_frees_its_place(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Opening, max_sparks=1)
    asked = asyncio.Event()

    @primus.before("slow")
    async def slow(request: Request) -> None:
        asked.set()
        await asyncio.Event().wait()

    deciding = asyncio.ensure_future(primus.handle(make_request(**UPGRADE)))
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
    deciding.cancel()
    await asyncio.wait([deciding])
    primus.remove("slow")
    assert await status(primus, make_request(**UPGRADE)) is None
    assert primus.connected == 1


class Elsewhere:
    """Another process, which answers what it knows."""

    def __init__(self, *answers: tuple[Response | None] | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def take(self, transport: Any, data: bytes) -> bool:
        """Leave connections here."""
        return False

    give = take

    async def answer(self, request: Request) -> tuple[Response | None] | None:
        """Answer a request, or leave it."""
        self.asked.append(request.path)
        return self.answers.pop(0)


async def test_a_request_that_another_process_answers_is_not_looked_at_here(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Opening, max_sparks=1)
    seen: list[str] = []
    primus.before("watch", lambda request: seen.append(request.path))
    primus.elsewhere = other = Elsewhere((Response(200),), (None,), None, None)
    assert await status(primus, make_request("/primus/one")) == 200
    assert await status(primus, make_request("/primus/two", **UPGRADE)) is None
    assert seen == []
    assert await status(primus, make_request("/primus/three", **UPGRADE)) is None
    assert await status(primus, make_request("/primus/four", **UPGRADE)) == 503
    assert seen == ["/primus/three"]
    assert other.asked == ["/primus/one", "/primus/two", "/primus/three", "/primus/four"]


async def test_a_malformed_request_is_brought_to_no_other_process(primus: Primus) -> None:
    primus.elsewhere = other = Elsewhere()
    assert await status(primus, make_request("/primus/../etc")) == 404
    assert other.asked == []


# -- what a listener of a connection finds


async def test_a_listener_finds_its_connection_among_those_of_the_server(primus: Primus) -> None:
    found: list[Any] = []

    @primus.on("connection")
    def connected(spark: Spark) -> None:
        found.append((primus.spark(spark.id) is spark, primus.connected, spark.ready_state))

    @primus.on("disconnection")
    def disconnected(spark: Spark) -> None:
        found.append((primus.spark(spark.id) is spark, primus.connected, spark.ready_state))

    spark, wire = join(primus)
    wire.lose()
    spark.end()
    assert found == [(True, 1, Spark.OPEN), (False, 0, Spark.CLOSED)]


async def test_for_each_passes_over_connections_that_have_ended_meanwhile(primus: Primus) -> None:
    sparks = [join(primus)[0] for _ in range(3)]
    visited: list[Spark] = []

    async def visit(spark: Spark) -> None:
        visited.append(spark)
        sparks[1].end()

    visiting = primus.for_each(visit)
    assert visiting is not None
    await visiting
    assert visited == [sparks[0], sparks[2]]


def test_for_each_ends_at_once_when_a_plain_function_says_so(primus: Primus) -> None:
    sparks = [join(primus)[0] for _ in range(3)]
    visited: list[Spark] = []

    def visit(spark: Spark) -> bool:
        visited.append(spark)
        return spark is not sparks[1]

    assert primus.for_each(visit) is None
    assert visited == sparks[:2]


# -- what does not work


@pytest.mark.parametrize("given", [int, "text"])
def test_only_a_class_of_sparks_makes_a_class_of_servers(given: Any) -> None:
    assert not isinstance(Primus[given], type)

    class Visitor(Spark):
        """One of the application's own."""

    assert issubclass(Primus[Visitor], Primus)
    assert Primus[Visitor].spark_class is Visitor


def test_a_message_for_some_cannot_go_to_all_servers(primus: Primus) -> None:
    spark, wire = join(primus)
    sent: list[Any] = []
    vars(primus)["backplane"] = type("Backplane", (), {"write": lambda self, *a: sent.append(a)})()
    with pytest.raises(PluginError, match="goes to all sparks, not `to`"):
        primus.write("x", to=[spark], everywhere=True)
    assert (wire.sent, sent) == ([], [])
    primus.write("x", everywhere=True)
    assert sent == [("x", None)]


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, True),
        ({"credentials": False}, False),
        ({"origins": "https://example.com"}, False),
    ],
)
def test_an_authorization_behind_any_origin_is_warned_of(
    make_primus: MakePrimus,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    warned: bool,
) -> None:
    primus = make_primus(**options)
    assert "authorization is set while" not in caplog.text
    primus.authorize(lambda request: None)
    assert ("authorization is set while" in caplog.text) == warned


def test_clients_that_are_taken_to_ping_are_told_that_they_are_not_pinged(
    make_primus: MakePrimus,
) -> None:
    assert make_primus(heartbeat="legacy").spec["pingInterval"] is False
    assert make_primus(heartbeat="modern").spec["pingInterval"] == 30_000


def test_a_library_is_made_anew_where_the_pathname_changes_and_not_where_it_stays(
    primus: Primus,
) -> None:
    before = primus.library()
    primus.relocate("/primus")
    assert primus.library() is before
    primus.relocate("/elsewhere")
    assert '"/elsewhere"' in primus.library()


# -- the end


class Failing(MemoryTransformer):
    """Cannot close."""

    async def close(self) -> None:
        raise RuntimeError("it does not close")


class Host:
    """Notes that it is closed."""

    listening = None

    def __init__(self) -> None:
        self.closed: list[bool] = []

    async def close(self, *, stop: bool) -> None:
        """Stop."""
        self.closed.append(stop)


async def test_a_transformer_that_fails_to_close_does_not_keep_its_host_open(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Failing)
    host: Any = Host()
    primus.host = host
    primus.on("connection", print)
    with pytest.raises(RuntimeError, match="it does not close"):
        await primus.destroy()
    assert host.closed == [True]
    assert primus.listeners("connection") == ()


@pytest.mark.parametrize(
    ("options", "stop"),
    [({}, True), ({"close": False}, False), ({"close": False, "reconnect": True}, True)],
)
async def test_the_host_is_told_whether_to_stop(
    primus: Primus, options: dict[str, bool], stop: bool
) -> None:
    host: Any = Host()
    primus.host = host
    await primus.destroy(**options)
    assert host.closed == [stop]


async def test_a_server_ends_once_however_often_it_is_told_to(primus: Primus) -> None:
    told: list[Any] = []
    gate = asyncio.Event()

    @primus.on("close")
    async def close(options: Any) -> None:
        told.append(options["reconnect"])
        await gate.wait()

    first = asyncio.ensure_future(primus.destroy(reconnect=True))
    second = asyncio.ensure_future(primus.destroy())
    await eventually(lambda: told)
    assert not first.done()
    assert not second.done()
    gate.set()
    await asyncio.gather(first, second)
    await primus.destroy()
    assert told == [True]


async def test_connections_that_end_by_themselves_in_time_are_not_told_to(primus: Primus) -> None:
    spark, wire = join(primus)
    other, _ = join(primus)
    ending = asyncio.ensure_future(primus.destroy(timeout=DEADLINE))
    await asyncio.sleep(0)
    assert spark.write("still here")
    other.end()
    await asyncio.sleep(0)
    assert not ending.done()
    wire.lose()
    async with asyncio.timeout(DEADLINE):
        await ending
    assert wire.sent == ['"still here"']


async def test_connections_that_do_not_end_in_time_are_told_to(primus: Primus) -> None:
    spark, wire = join(primus)
    async with asyncio.timeout(DEADLINE):
        await primus.destroy(timeout=0.01)
    assert spark.ready_state == Spark.CLOSED
    assert wire.sent == ['"primus::server::close"']


async def test_listeners_of_the_end_find_no_connection_and_a_server_that_takes_none(
    primus: Primus,
) -> None:
    found: list[Any] = []
    join(primus)
    primus.on("close", lambda options: found.append((primus.connected, primus.draining)))
    await primus.destroy()
    assert found == [(0, True)]


class Plugin:
    """A plugin that does nothing."""

    @hookimpl
    def primus_connection(self, spark: Spark) -> None:
        """Do nothing."""


async def test_plugins_go_in_the_opposite_order_behind_the_listeners_of_the_end(
    primus: Primus,
) -> None:
    story: list[str] = []
    for name in ("one", "two"):
        primus.use(name, Plugin())
    primus.on("close", lambda options: story.append("close"))
    primus.on("plugout", lambda name, plugin: story.append(name))
    await primus.destroy()
    assert story == ["close", "two", "one"]


async def test_a_task_that_a_layer_has_left_behind_waits_for_the_end(primus: Primus) -> None:
    decided, gate = asyncio.Event(), asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def later() -> None:
        await decided.wait()
        await primus.destroy()

    @primus.before("leaves a task")
    async def leave(request: Request) -> None:
        await asyncio.sleep(0)
        tasks.append(asyncio.ensure_future(later()))

    primus.on("close", gate.wait)
    await status(primus, make_request())
    decided.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not tasks[0].done()
    gate.set()
    await tasks[0]


async def test_a_layer_may_end_the_server_that_waits_for_it(primus: Primus) -> None:
    @primus.before("ends")
    async def end(request: Request) -> Response:
        await primus.destroy()
        return Response(200, "ended")

    async with asyncio.timeout(DEADLINE):
        assert await status(primus, make_request()) == 200
        await primus.destroy()


async def test_a_layer_of_one_server_waits_for_the_end_of_another(
    primus: Primus, make_primus: MakePrimus
) -> None:
    other = make_primus()
    ended: list[str] = []

    async def slowly(options: Any) -> None:
        await asyncio.sleep(0)
        ended.append("other")

    other.on("close", slowly)

    @primus.before("ends another")
    async def end(request: Request) -> Response:
        await other.destroy()
        return Response(200, ",".join(ended))

    answer = await primus.handle(make_request())
    assert answer is not None
    assert answer.body == b"other"


async def test_a_server_that_has_ended_watches_no_connection_any_more(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    primus = make_primus(write_timeout=10.0)
    kept, added = NotingTransport(), NotingTransport()
    kept.waiting = added.waiting = 100  # their peers take nothing
    primus.writes.keep(kept)
    await primus.destroy()
    primus.writes.add(added)
    manual_clock.advance(100)
    assert (kept.story, added.story, len(primus.writes)) == ([], [], 0)
