"""What users, their listeners and their handlers get wrong, and what must not come of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from primus import HandshakeError, Packet, Primus, Request, Response, Spark, hookimpl
from primus.client.address import parse_url
from primus.client.diagnosis import Client, why_no_wire
from primus_testing import ManualClock, Recorder, Tracebacks, eventually, join, make_request
from primus_testing.scripted import answer, scripted_server

MakePrimus = Callable[..., Primus]


@pytest.mark.parametrize("answer", [401, 0, "", "no", {"user": None}])
async def test_an_authorization_handler_that_returns_something_odd_accepts_no_client(
    primus: Primus, tracebacks: Tracebacks, answer: Any
) -> None:
    tracebacks.expect("a middleware layer raised")
    primus.authorize(lambda request: answer)
    response = await primus.handle(make_request())
    assert response is not None
    assert (response.status, response.body) == (500, b'{"error":"Internal Server Error"}')


@pytest.mark.parametrize("answer", [None, True])
async def test_an_authorization_handler_accepts_by_returning(primus: Primus, answer: Any) -> None:
    primus.authorize(lambda request: answer)
    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 426


async def test_an_authorization_handler_refuses_by_false_or_a_response(primus: Primus) -> None:
    primus.authorize(lambda request: False)
    refused = await primus.handle(make_request())
    primus.authorize(lambda request: Response(418, "tea"))
    answered = await primus.handle(make_request())
    assert refused is not None
    assert refused.status == 401
    assert answered is not None
    assert (answered.status, answered.body) == (418, b"tea")
    assert answered.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_listener_of_error_that_writes_to_a_slow_consumer_is_called_once(
    make_primus: MakePrimus,
) -> None:
    spark, wire = join(make_primus(high_water=100))
    seen = Recorder(spark, "error")
    spark.on("error", lambda error: spark.write({"error": str(error)}))
    wire.clog()
    spark.write("x" * 200)
    assert spark.write("one more") is False
    assert len(seen.seen("error")) == 1
    assert spark.ready_state == Spark.CLOSED


@pytest.mark.parametrize("event", ["incoming::data", "outgoing::data"])
def test_a_private_listener_may_end_the_connection(primus: Primus, event: str) -> None:
    spark, wire = join(primus)
    seen = Recorder(spark, "data", "end")
    spark.once(event, lambda: spark.end(reconnect=True))
    wire.receive('"hello"')
    spark.write("hello")
    assert seen.story == (["end"] if event == "incoming::data" else ["data", "end"])


async def test_a_message_that_is_still_transformed_is_not_delivered_after_the_end(
    primus: Primus,
) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    @primus.transform("incoming")
    async def slow(packet: Packet, connection: Spark) -> None:
        await gate.wait()
        done.set()

    spark, wire = join(primus)
    seen = Recorder(spark, "data", "end")
    wire.receive('"hello"')
    await asyncio.sleep(0)
    spark.end()
    gate.set()
    await done.wait()
    await asyncio.sleep(0)
    assert seen.story == ["end"]


def test_a_private_listener_may_end_the_connection_by_the_word_that_ends_it(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    seen = Recorder(spark, "end")

    @spark.on("outgoing::data")
    def end() -> None:
        spark.end()

    spark.write("hello")
    assert wire.sent == ['"primus::server::close"']
    assert seen.story == ["end"]


async def test_iteration_ends_even_when_all_listeners_are_removed(primus: Primus) -> None:
    spark, _ = join(primus)
    following = asyncio.ensure_future(anext(spark, None))
    await asyncio.sleep(0)
    spark.off()
    spark.end()
    async with asyncio.timeout(5):
        assert await following is None


@pytest.mark.parametrize("frames", [['"one"'], ['"one"', '"two"']])
async def test_a_message_that_is_still_transformed_when_the_wire_is_lost_is_delivered(
    primus: Primus, frames: list[str]
) -> None:
    gate = asyncio.Event()

    @primus.transform("incoming")
    async def slow(packet: Packet, connection: Spark) -> None:
        await gate.wait()

    spark, wire = join(primus)
    seen = Recorder(spark, "data", "end")
    wire.receive(*frames)
    wire.lose()
    gate.set()
    await seen.next("end")
    assert seen.story == ["data"] * len(frames) + ["end"]


@pytest.mark.parametrize("direction", ["incoming", "outgoing"])
def test_a_transform_that_raises_is_logged_with_its_traceback_without_a_listener(
    primus: Primus, tracebacks: Tracebacks, direction: Any
) -> None:
    tracebacks.expect("raised ZeroDivisionError")
    primus.transform(direction, lambda packet, connection: 1 / 0)
    spark, wire = join(primus)
    wire.receive('"hello"')
    spark.write("hello")
    assert wire.sent == ([] if direction == "outgoing" else ['"hello"'])


def test_listeners_of_connection_are_not_called_for_a_spark_that_one_of_them_ended(
    primus: Primus,
) -> None:
    seen = Recorder(primus, "disconnection")
    late: list[Spark] = []
    primus.on("connection", lambda spark: spark.end())
    primus.on("connection", late.append)
    join(primus)
    assert seen.story == ["disconnection"]
    assert late == []


def test_an_id_generator_that_raises_costs_no_connection(
    make_primus: MakePrimus, tracebacks: Tracebacks, caplog: pytest.LogCaptureFixture
) -> None:
    tracebacks.expect("id_generator raised")

    def generate() -> str:
        raise RuntimeError("no ids today")

    primus = make_primus(id_generator=generate)
    for _ in range(3):
        spark, _ = join(primus)
        assert spark.ready_state == Spark.OPEN
        assert spark.id
    assert sum(record.levelname == "ERROR" for record in caplog.records) == 1


async def test_a_destroy_that_is_cancelled_goes_on(primus: Primus) -> None:
    spark, _ = join(primus)
    gate = asyncio.Event()
    primus.on("close", gate.wait)
    impatient = asyncio.ensure_future(primus.destroy())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    gate.set()
    async with asyncio.timeout(5):
        await primus.destroy()
    assert spark.ready_state == Spark.CLOSED


async def test_a_listener_of_close_may_await_a_task_that_it_has_cancelled(
    primus: Primus,
) -> None:
    seen: list[str] = []
    ticker = asyncio.ensure_future(asyncio.Event().wait())

    @primus.on("close")
    async def stop() -> None:
        ticker.cancel()
        await ticker

    primus.on("close", lambda: seen.append("second"))
    async with asyncio.timeout(5):
        await primus.destroy()
    assert seen == ["second"]


async def test_a_listener_of_close_may_await_destroy_in_a_task_of_its_own(primus: Primus) -> None:
    @primus.on("close")
    async def again() -> None:
        await asyncio.gather(primus.destroy())

    async with asyncio.timeout(5):
        await primus.destroy()
    assert primus.draining


async def test_a_listener_of_close_may_await_destroy(primus: Primus) -> None:
    async def again(options: object) -> None:
        await primus.destroy()

    primus.on("close", again)
    async with asyncio.timeout(5):
        await primus.destroy()
    assert primus.draining


class NoBrowser:
    """A parser for Python peers only."""

    def encode(self, value: Any) -> str:
        return str(value)

    def decode(self, frame: str | bytes) -> Any:
        return frame


async def test_a_parser_without_a_browser_half_has_no_library_but_a_server_all_the_same(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(parser=NoBrowser())
    response = await primus.handle(make_request("/primus/primus.js"))
    assert response is not None
    assert response.status == 404
    assert b"the parser 'custom' has no browser half" in response.body
    spark, wire = join(primus)
    spark.write("hello")
    assert wire.sent == ["hello"]


class Careless:
    """Switches a layer off, and then fails or not."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails

    @hookimpl
    def primus_options(self) -> dict[str, object]:
        return {"loud": 5}

    @hookimpl
    def primus_setup(self, primus: Primus) -> None:
        primus.disable("x-xss")
        assert primus.options.extra["loud"] == 5
        if self.fails:
            raise RuntimeError("half-way")


def test_a_layer_that_a_failing_plugin_switched_off_is_on_again(primus: Primus) -> None:
    with pytest.raises(RuntimeError, match="half-way"):
        primus.use("careless", Careless(fails=True))
    assert all(layer.enabled for layer in primus.layers)
    assert primus.options.extra == {}


def test_plugout_switches_a_layer_on_again_and_forgets_options(primus: Primus) -> None:
    primus.use("careless", Careless(fails=False))
    assert [layer.name for layer in primus.layers if not layer.enabled] == ["x-xss"]
    primus.plugout("careless")
    names = [layer.name for layer in primus.layers]
    assert all(layer.enabled for layer in primus.layers)
    assert names[:6] == ["forwarded", "cors", "primus.js", "spec", "x-xss", "no-cache"]
    assert primus.options.extra == {}


@pytest.mark.parametrize(("timeout", "interval"), [(35.0, 30.0), (3.5, 3.0), (70, 30.0)])
def test_a_shorter_timeout_asks_clients_sooner(
    make_primus: MakePrimus, timeout: float, interval: float
) -> None:
    assert make_primus(timeout=timeout).options.ping_interval == pytest.approx(interval)
    assert make_primus(timeout=timeout, ping_interval=9.0).options.ping_interval == 9.0


async def test_a_request_keeps_what_a_layer_found_out(primus: Primus) -> None:
    found: list[Any] = []

    @primus.before("user")
    def user(request: Request) -> None:
        request.state["user"] = "Ada"

    @primus.before("later")
    def later(request: Request) -> None:
        found.append(request.state["user"])

    await primus.handle(make_request())
    assert found == ["Ada"]


async def test_taking_one_message_and_then_listening_misses_none(primus: Primus) -> None:
    heard: list[Any] = []
    logged: list[Any] = []

    @primus.on("connection")
    async def connection(spark: Spark) -> None:
        spark.on("data", lambda data, *, log=logged: log.append(data))
        heard.append(await anext(spark))
        spark.on("data", lambda data, raw: heard.append((data, raw)))

    _, wire = join(primus)
    wire.receive('"hello"', "1", "2", "3")
    await eventually(lambda: len(heard) == 4)
    wire.receive("4")
    await eventually(lambda: len(heard) == 5)
    assert heard == ["hello", (1, "1"), (2, "2"), (3, "3"), (4, "4")]
    assert logged == ["hello", 1, 2, 3, 4]


async def test_a_listener_added_within_an_iteration_takes_nothing_from_it(primus: Primus) -> None:
    iterated: list[Any] = []
    audited: list[Any] = []

    @primus.on("connection")
    async def connection(spark: Spark) -> None:
        async for message in spark:
            iterated.append(message)
            if message == 0:
                spark.on("data", audited.append)
            await asyncio.sleep(0)

    _, wire = join(primus)
    wire.receive(*map(str, range(6)))
    await eventually(lambda: len(iterated) == 6 and audited[-1:] == [5])
    assert iterated == [0, 1, 2, 3, 4, 5]
    assert audited == [2, 3, 4, 5]  # 1 was on its way when the listener was added


async def test_a_listener_for_one_message_takes_one_from_an_iteration_that_goes_on(
    primus: Primus,
) -> None:
    taken: list[Any] = []

    @primus.on("connection")
    async def connection(spark: Spark) -> None:
        taken.append(await anext(spark))
        got: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await asyncio.sleep(0)
        spark.once("data", got.set_result)
        taken.append(await got)
        while len(taken) < 5:
            taken.append(await anext(spark))

    _, wire = join(primus)
    wire.receive(*map(str, range(5)))
    await eventually(lambda: len(taken) == 5)
    assert taken == [0, 1, 2, 3, 4]


async def test_iteration_begun_after_the_end_is_over(primus: Primus) -> None:
    gate = asyncio.Event()

    @primus.transform("outgoing")
    async def slow(packet: Packet) -> None:
        await gate.wait()

    spark, _ = join(primus)
    spark.write(1)
    spark.end()
    async with asyncio.timeout(5):
        assert [message async for message in spark] == []
    gate.set()


async def test_an_end_behind_a_transform_that_hangs_closes_the_wire_in_time(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    primus = make_primus()

    @primus.transform("outgoing")
    async def hanging(packet: Packet) -> None:
        await asyncio.Event().wait()

    spark, wire = join(primus)
    spark.write("never")
    spark.end()
    assert not wire.aborted
    manual_clock.advance(10)
    assert wire.aborted


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
def test_a_listener_that_raises_in_a_heartbeat_stops_no_other_heartbeat(
    make_primus: MakePrimus,
    manual_clock: ManualClock,
    tracebacks: Tracebacks,
    error: type[BaseException],
) -> None:
    tracebacks.expect("a listener of 'outgoing::ping' raised")
    primus = make_primus(timeout=35.0, ping_interval=30.0)

    def fail(stamp: int) -> None:
        raise error

    joined = [join(primus) for _ in range(3)]
    for spark, _ in joined:
        spark.on("outgoing::ping", fail)
    manual_clock.advance(31)
    assert [len(wire.sent) for _, wire in joined] == [1, 1, 1]
    manual_clock.advance(31)
    assert primus.connected == 0


async def test_a_timeout_of_a_handler_itself_is_its_own_error(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a middleware layer raised")

    @primus.authorize
    async def slow_database(request: Request) -> None:
        raise TimeoutError

    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 500


def test_a_first_frame_that_cannot_be_read_asks_whether_the_parsers_differ(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    wire.receive("\x83ejs", '"right"', "wrong")
    first, second = (str(error) for (error,) in seen.seen("error"))
    assert "is the client's parser another than 'json'?" in first
    assert "another than" not in second


SPEC = {"transformer": "websockets", "parser": "json", "plugins": ["rooms"], "timeout": 35000}
REFUSED = HandshakeError.answered(400, {}, b"")
MISMATCHES = {
    "another transformer": (
        {**SPEC, "transformer": "engine.io"},
        REFUSED,
        "the server's transformer is 'engine.io', that of this client is 'websockets'",
    ),
    "another parser": (
        {**SPEC, "parser": "msgpack"},
        REFUSED,
        "the server's parser is 'msgpack', that of this client is 'json'",
    ),
    "a plugin that the server does not use": (
        {**SPEC, "plugins": []},
        REFUSED,
        "the server does not use the plugin 'rooms'",
    ),
    "two at once": (
        {**SPEC, "parser": "msgpack", "plugins": []},
        REFUSED,
        (
            "the server's parser is 'msgpack', that of this client is 'json'; "
            "the server does not use the plugin 'rooms'"
        ),
    ),
    "a proxy that drops upgrades, or an ASGI mount without a WebSocket route": (
        SPEC,
        REFUSED,
        (
            "the server answers /primus/spec, but takes no WebSocket (status 400): a proxy in "
            "between drops the headers Upgrade and Connection, or an ASGI application has no "
            "WebSocket route at '/primus'"
        ),
    ),
    "the same, by a server that may have refused": (
        SPEC,
        HandshakeError.answered(403, {}, b""),
        (
            "the server answers /primus/spec, but takes no WebSocket (status 403): it refuses this "
            "client, a proxy in between drops the headers Upgrade and Connection, or an ASGI "
            "application has no WebSocket route at '/primus'"
        ),
    ),
    "another pathname": (
        None,
        HandshakeError.answered(404, {}, b""),
        (
            "there is no Primus at '/primus' of this server: compare the option pathname. An ASGI "
            "server has to run primus.asgi, not the application alone"
        ),
    ),
    "no mistake, but a server that has refused": (
        SPEC,
        HandshakeError.answered(401, {}, b""),
        "",
    ),
    "a server that lists no plugins, as Node's": (
        {"transformer": "ws-like", "parser": "JSON", "timeout": 35000},
        REFUSED,
        "the server's transformer is 'ws-like', that of this client is 'websockets'",
    ),
    "a server that lists its plugins in a way of its own": (
        {**SPEC, "transformer": "engine.io", "plugins": 5},
        REFUSED,
        "the server's transformer is 'engine.io', that of this client is 'websockets'",
    ),
    "an answer that is no description": ("<html>", REFUSED, ""),
}


@pytest.mark.parametrize(("spec", "error", "shown"), MISMATCHES.values(), ids=MISMATCHES)
async def test_a_client_that_does_not_fit_is_told_what_differs(
    spec: Any, error: Exception, shown: str
) -> None:
    found = answer("", "404 Not Found") if spec is None else answer(json.dumps(spec))
    async with scripted_server(lambda asked: [found]) as server:
        address = parse_url(server.url, "/primus")
        client = Client(address, "websockets", "json", ("rooms",))
        assert await why_no_wire(error, client, 5.0) == shown
