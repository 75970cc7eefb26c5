"""What a Python client reports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from primus import Primus
from primus_analytics.reporting import name_of
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually

MakeSocket = Callable[..., Any]


@pytest_asyncio.fixture
async def primus(manual_clock: ManualClock, tracebacks: Tracebacks) -> AsyncIterator[Any]:
    """A server with the plugin; nothing may be logged as an error."""
    made = Primus(transformer=MemoryTransformer, clock=manual_clock, plugin="analytics")
    yield made
    await made.destroy()


@pytest_asyncio.fixture
async def make_socket(primus: Any, manual_clock: ManualClock) -> AsyncIterator[MakeSocket]:
    """Makes clients that try to reconnect once, after a second."""
    sockets: list[Any] = []

    def make(**analytics: Any) -> Any:
        socket = primus.Socket(
            "http://memory",
            analytics=analytics or None,
            clock=manual_clock,
            network=False,
            reconnect={"min": 1.0, "max": 1.0, "retries": 3},
        )
        sockets.append(socket)
        return socket

    yield make
    for socket in sockets:
        socket.destroy()


def named(reports: list[dict[str, Any]]) -> list[str]:
    return [report.get("eventAction", report["hitType"]) for report in reports]


def event(action: str, category: str = "primus") -> dict[str, Any]:
    return {
        "eventAction": action,
        "eventCategory": category,
        "hitType": "event",
        "nonInteraction": 1,
    }


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"emit": ["news", 1]}, "news"),
        ({"emit": [""]}, ""),
        ({"type": 0, "data": ["news"]}, "news"),
        ({"type": 0.0, "data": ["news"], "id": 1}, "news"),
        *((value, "write") for value in (None, 0, "emit", [], ["emit"], {}, {"emit": "news"})),
        *(({"emit": value}, "write") for value in (None, [], [5], [["news"]])),
        *(({"type": 0, "data": value}, "write") for value in (None, "news", [], [None])),
        *(({"type": value, "data": ["news"]}, "write") for value in (1, False, "0", None)),
    ],
)
def test_a_message_is_called_by_its_event(message: Any, name: str) -> None:
    assert name_of(message) == name


async def test_what_happens_to_a_client_is_reported(
    primus: Any, make_socket: MakeSocket, manual_clock: ManualClock
) -> None:
    reports: list[Any] = []
    socket = make_socket(sink=reports.append, category="chat")

    await socket.opened()
    socket.write({"emit": ["news"]})
    socket.write("hello")
    (spark,) = primus
    spark.end(reconnect=True)
    await eventually(lambda: "reconnect-start" in named(reports))
    manual_clock.advance(1.0)
    await eventually(lambda: "reconnected" in named(reports))
    socket.end()

    assert named(reports) == [
        *("open", "news", "write"),
        *("close", "reconnect-start", "reconnected", "open"),
        "close",
    ]
    assert reports[0] == event("open", "chat")


async def test_the_beginning_of_a_reconnection_is_reported_once_and_its_failure(
    primus: Any, make_socket: MakeSocket, manual_clock: ManualClock
) -> None:
    reports: list[Any] = []
    socket = await make_socket(sink=reports.append).opened()
    attempts = Recorder(socket, "reconnect scheduled", "reconnect failed")

    await primus.destroy(reconnect=True)
    for _ in range(3):
        await attempts.next("reconnect scheduled")
        manual_clock.advance(1.0)
    await attempts.next("reconnect failed")

    assert named(reports).count("reconnect-start") == 1
    assert named(reports).count("reconnect-failed") == 1


async def test_each_reconnection_is_reported(
    primus: Any, make_socket: MakeSocket, manual_clock: ManualClock
) -> None:
    reports: list[Any] = []
    await make_socket(sink=reports.append).opened()

    for count in (1, 2):
        (spark,) = primus
        spark.end(reconnect=True)
        await eventually(lambda count=count: named(reports).count("reconnect-start") == count)
        manual_clock.advance(1.0)
        await eventually(lambda count=count: named(reports).count("open") == 1 + count)


async def test_names_are_mapped_and_left_out(make_socket: MakeSocket) -> None:
    reports: list[Any] = []
    events = {"open": "entered", "close": False, "write": "", "error": False}
    socket = make_socket(sink=reports.append, events=events)

    await socket.opened()
    socket.write("hello")
    socket.dispatch("error", ValueError("boom"))
    socket.end()

    assert named(reports) == ["entered", "write"]


async def test_an_error_is_an_exception_of_the_application(make_socket: MakeSocket) -> None:
    reports: list[Any] = []
    socket = make_socket(sink=reports.append, app="chat", events={"error": "ignored"})
    socket.on("error", lambda error: None)

    socket.dispatch("error", ValueError("boom"))

    assert reports == [
        {"hitType": "exception", "exDescription": "boom", "appName": "chat", "exFatal": True}
    ]


async def test_messages_are_not_altered_and_reports_not_shared(
    primus: Any, make_socket: MakeSocket
) -> None:
    seen: list[Any] = []
    primus.on("connection", lambda spark: spark.on("data", seen.append))

    def sink(report: dict[str, Any]) -> Any:
        report.clear()
        return False

    socket = await make_socket(sink=sink).opened()
    for message in (None, {"emit": ["news", {}]}, {"type": 0, "data": ["news"]}):
        socket.write(message)

    await eventually(lambda: len(seen) == 3)
    assert seen == [None, {"emit": ["news", {}]}, {"type": 0, "data": ["news"]}]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_sink_that_raises_is_logged_once_and_stops_nothing(
    primus: Any,
    make_socket: MakeSocket,
    tracebacks: Tracebacks,
    caplog: pytest.LogCaptureFixture,
    is_async: bool,
) -> None:
    tracebacks.expect("the sink of analytics raised")
    reports: list[Any] = []

    def fails(report: Any) -> None:
        reports.append(report)
        raise ZeroDivisionError

    async def fails_later(report: Any) -> None:
        await asyncio.sleep(0)
        fails(report)

    seen: list[Any] = []
    primus.on("connection", lambda spark: spark.on("data", seen.append))
    socket = make_socket(sink=fails_later if is_async else fails)
    await socket.opened()
    socket.write("hello")

    await eventually(lambda: seen == ["hello"])
    await eventually(lambda: named(reports) == ["open", "write"])
    await asyncio.sleep(0)
    assert caplog.text.count("the sink of analytics raised") == 1


async def test_a_client_without_a_sink_says_that_it_reports_nothing(
    make_socket: MakeSocket, caplog: pytest.LogCaptureFixture
) -> None:
    socket = make_socket()

    assert "reports nothing, since it has no sink" in caplog.text
    await socket.opened()
    assert not socket.pipeline.outgoing
