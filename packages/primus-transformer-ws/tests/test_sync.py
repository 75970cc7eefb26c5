"""`primus.sync`: the client for code without an event loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from primus import (
    HandshakeError,
    OptionError,
    PrimusError,
    Socket,
    Spark,
    TransportError,
    Unauthorized,
    hookimpl,
)
from primus.sync import READ_AHEAD, SyncSocket, connect
from primus_testing import DEADLINE, Recorder, eventually, running

T = TypeVar("T")


async def blocking(fn: Callable[..., T], *args: Any, **named: Any) -> T:
    """Call what blocks in a thread, while the server goes on."""
    return await asyncio.to_thread(fn, *args, **named)


def echo(spark: Spark) -> None:
    spark.on("data", spark.write)


async def test_a_script_sends_and_receives() -> None:
    def script(url: str) -> list[Any]:
        with connect(url, transformer="websockets", parser="json") as socket:
            assert socket.send({"hello": "world"}) is True
            first = socket.recv(timeout=DEADLINE)
            socket.send("and bye")
            return [first, *[message for message in socket if socket.end() is None]]

    async with running() as server:
        server.primus.on("connection", echo)

        answers = await blocking(script, server.url)

    assert answers == [{"hello": "world"}, "and bye"]


async def test_the_server_is_asked_for_transformer_and_parser() -> None:
    async with running() as server:
        server.primus.on("connection", echo)
        socket = await blocking(connect, server.url)

        assert await blocking(socket.id) in [spark.id for spark in server.primus]
        assert socket.ready_state == Spark.OPEN

        await blocking(socket.end)


async def test_a_refused_connection_raises_and_leaves_no_thread() -> None:
    def refuse(request: Any) -> None:
        raise Unauthorized("no ticket")

    before = threading.active_count()
    async with running() as server:
        server.primus.authorize(refuse)
        with pytest.raises(HandshakeError, match="401"):
            await blocking(connect, server.url, transformer="websockets", parser="json")
    assert [t for t in threading.enumerate() if t.name.startswith("primus ")] == []
    assert threading.active_count() <= before + 1  # asyncio.to_thread keeps its own


async def test_a_wrong_option_is_told_at_the_call() -> None:
    with pytest.raises(OptionError, match="strategie"):
        await blocking(connect, "http://localhost:1", strategie="online")


async def test_a_timeout_of_zero_takes_what_has_come_and_does_not_wait() -> None:
    async with running() as server:
        server.primus.on("connection", echo)
        socket = await blocking(connect, server.url)
        with pytest.raises(TimeoutError):
            await blocking(socket.recv, timeout=0)
        await blocking(socket.send, "one")

        await eventually(lambda: socket._messages)

        assert await blocking(socket.recv, timeout=0) == "one"
        await blocking(socket.end)


async def test_mistakes_are_shown_by_the_call() -> None:
    def script(url: str) -> None:
        with connect(url, transformer="websockets", parser="json") as socket:
            for timeout in (-1, float("nan")):
                with pytest.raises(ValueError, match="must be seconds, 0 or more, or None"):
                    socket.recv(timeout=timeout)
            with pytest.raises(PrimusError, match=r"messages go to recv\(\)"):
                socket.on("data", print)

    async with running() as server:
        await blocking(script, server.url)


async def test_a_timeout_of_recv_loses_no_message() -> None:
    async with running() as server:
        sparks = Recorder(server.primus, "connection")
        socket = await blocking(connect, server.url)
        spark = await sparks.one("connection")
        with pytest.raises(TimeoutError, match=r"within 0\.01 s"):
            await blocking(socket.recv, timeout=0.01)

        spark.write("late")

        assert await blocking(socket.recv, timeout=DEADLINE) == "late"
        await blocking(socket.end)


async def test_what_came_before_the_end_is_taken_first_and_then_an_error() -> None:
    async with running() as server:

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            spark.write("one")
            spark.end("two")

        socket = await blocking(connect, server.url)

        assert [await blocking(socket.recv, timeout=DEADLINE) for _ in range(2)] == ["one", "two"]
        with pytest.raises(TransportError, match="the connection has ended"):
            await blocking(socket.recv, timeout=DEADLINE)
        assert list(socket) == []
        assert await blocking(socket.send, "too late") is False
        await blocking(socket.end)
        assert socket.send("much too late") is False


async def test_an_end_that_comes_before_the_thread_of_the_caller_goes_on_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_ended, run = threading.Event(), asyncio.run_coroutine_threadsafe
    calls: list[Future[Any]] = []

    @hookimpl
    def primus_socket(socket: Socket) -> None:
        socket.on("end", has_ended.set)

    def run_late(coroutine: Any, loop: asyncio.AbstractEventLoop) -> Future[Any]:
        """Give the first call its answer when the connection has ended, and not before."""
        calls.append(run(coroutine, loop))
        if len(calls) == 1:
            assert has_ended.wait(DEADLINE)
            run(asyncio.sleep(0), loop).result()  # all listeners have been called
        return calls[-1]

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", run_late)
    async with running() as server:

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            spark.write("one")
            spark.end("two")

        plugin = {"watch": SimpleNamespace(primus_socket=primus_socket)}
        socket = await blocking(connect, server.url, plugin=plugin)

        assert [await blocking(socket.recv, timeout=DEADLINE) for _ in range(2)] == ["one", "two"]
        with pytest.raises(TransportError, match="the connection has ended"):
            await blocking(socket.recv, timeout=DEADLINE)
        await blocking(socket.end)


async def test_a_slow_script_is_not_read_far_ahead() -> None:
    async with running() as server:
        sparks = Recorder(server.primus, "connection")
        socket = await blocking(connect, server.url)
        spark = await sparks.one("connection")

        for number in range(3000):
            spark.write([number, "x" * 1000])
        await eventually(lambda: len(socket._messages) >= READ_AHEAD)
        spark.write("last")
        for _ in range(20):
            await blocking(socket.send, "its thread has a turn, and might read on")
        assert len(socket._messages) == READ_AHEAD

        taken = await blocking(lambda: [socket.recv(timeout=DEADLINE) for _ in range(3001)])
        assert [message[0] for message in taken[:-1]] == list(range(3000))
        assert taken[-1] == "last"
        await blocking(socket.end)


async def test_threads_share_a_socket_and_each_message_goes_to_one_of_them() -> None:
    async with running() as server:
        server.primus.on("connection", echo)
        socket = await blocking(connect, server.url)

        def worker(number: int) -> list[Any]:
            for count in range(50):
                socket.send([number, count])
            return [socket.recv(timeout=DEADLINE) for _ in range(50)]

        taken = await asyncio.gather(*(blocking(worker, number) for number in range(4)))

        received = [tuple(message) for part in taken for message in part]
        assert sorted(received) == [(number, count) for number in range(4) for count in range(50)]
        await blocking(socket.end)


async def test_a_listener_runs_beside_and_cannot_block_its_own_thread() -> None:
    told: list[Exception] = []

    async with running() as server:
        sparks = Recorder(server.primus, "connection")
        socket = await blocking(connect, server.url)
        spark = await sparks.one("connection")

        def reconnecting(options: Any) -> None:
            try:
                socket.send("from within")
            except PrimusError as error:
                told.append(error)

        await blocking(socket.on, "reconnect scheduled", reconnecting)
        spark.end(reconnect=True)
        await eventually(lambda: told)
        assert "own thread" in str(told[0])
        await blocking(socket.off, "reconnect scheduled", reconnecting)
        await blocking(socket.end)


async def test_a_connection_that_is_lost_is_made_again() -> None:
    async with running() as server:
        sparks = Recorder(server.primus, "connection")
        server.primus.on("connection", echo)
        quick = {"min": 0.01, "max": 0.1}
        socket = await blocking(connect, server.url, reconnect=quick)
        spark = await sparks.one("connection")
        lost = threading.Event()
        await blocking(socket.on, "reconnect scheduled", lambda *_: lost.set())
        spark.end(reconnect=True)

        assert await blocking(lost.wait, DEADLINE)  # a message before that may go to the spark
        assert await blocking(socket.send, "kept meanwhile") is True

        assert await blocking(socket.recv, timeout=DEADLINE) == "kept meanwhile"
        await blocking(socket.end)


async def test_an_ended_socket_knows_why() -> None:
    async with running() as server:
        server.primus.on("connection", echo)
        socket = await blocking(connect, server.url)
        assert socket.closed is None

        await blocking(socket.end)

        assert socket.closed is not None
        assert (socket.closed.code, socket.closed.by) == ("client end", "client")


async def test_events_need_a_plugin_and_the_error_names_it() -> None:
    async with running() as server:
        socket = await blocking(connect, server.url)
        with pytest.raises(PrimusError, match='plugin="emit"'):
            await blocking(socket.emit, "news", 1)
        with pytest.raises(
            AttributeError, match=r"no plugin in use adds it: connect\(…, plugin='emitter'\)"
        ):
            _ = socket.ask
        with pytest.raises(AttributeError, match=r"has no 'write': send\(data\) sends a message"):
            _ = socket.write
        await blocking(socket.end)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
async def test_a_forked_child_is_told_to_connect_again() -> None:
    async with running() as server:
        socket = await blocking(connect, server.url)
        original = socket._process
        socket._process = original + 1  # as a child sees it: forking a test run is no pleasure
        with pytest.raises(PrimusError, match="connect again"):
            socket.send("from the child")
        with pytest.raises(PrimusError, match="connect again"):
            socket.recv()
        socket._process = original
        await blocking(socket.end)


SCRIPT = """
import sys
from primus.sync import connect
socket = connect(sys.argv[1], transformer="websockets", parser="json")
for number in range(1000):
    socket.send(number)
"""


async def test_a_script_that_simply_stops_has_sent_everything() -> None:
    async with running() as server:
        received: list[Any] = []

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            spark.on("data", received.append)

        command = [sys.executable, "-c", SCRIPT, server.url]
        done = await blocking(subprocess.run, command, capture_output=True, timeout=60)

        assert (done.returncode, done.stderr) == (0, b"")
        await eventually(lambda: len(received) == 1000)
        assert received == list(range(1000))


def test_the_class_can_be_named_in_annotations() -> None:
    assert SyncSocket.__module__ == "primus.sync"
