"""What a transformer does whose frames are fetched by requests: inherit `PollingContract`.

    class TestMyPolling(PollingContract):
        transformer = "mine"
        ...

and say how a request of its wire looks. Requests are made by hand, so that they may be wrong,
and every one on a connection of its own.
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import json
import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from primus.errors import Unauthorized
from primus.http import Request
from primus.server.spark import Spark
from primus_testing.clock import ManualClock
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.server import Answer, Running
from primus_testing.tracebacks import Tracebacks
from primus_testing.transformer.base import Contract, Serve, echo

__all__ = ["PollingContract"]


class PollingContract(Contract):
    """Polls and posts, and every limit of theirs attacked."""

    poll_method: ClassVar[str] = "GET"

    statuses: ClassVar[Mapping[str, int]] = {}
    """What is answered to a request ``unknown`` (no such session), ``garbage`` (a post that is
    none) and ``method`` (one that the URL does not know)."""

    limits: ClassVar[Mapping[str, Any]] = {}
    """Transport options for posts of at most 4,000 bytes that arrive within 10 seconds."""

    patience: ClassVar[float] = 0
    """Seconds that a client which loses its poll may take to come back; 0 when its answer is lost,
    and the session with it."""

    garbage: ClassVar[tuple[bytes, ...]] = ()
    """Posts that hold nothing that could be taken."""

    @abstractmethod
    async def begin(self, server: Running, query: str = "") -> str:
        """Open a session, and fetch nothing of it yet; what `poll_path` takes."""

    @abstractmethod
    def poll_path(self, session: str) -> str:
        """Path and query of a poll."""

    @abstractmethod
    def post_path(self, session: str) -> str:
        """Path and query of a post."""

    @abstractmethod
    def posted(self, *frames: str) -> bytes:
        """The body of a post."""

    @abstractmethod
    def fetched(self, text: str) -> list[str]:
        """The frames in what a poll was answered with."""

    # -- what the tests do

    async def poll(self, server: Running, session: str) -> Answer:
        return await server.get(self.poll_path(session), self.poll_method)

    async def post(self, server: Running, session: str, body: bytes) -> Answer:
        headers = {"Content-Type": "text/plain"}
        return await server.get(self.post_path(session), "POST", data=body, headers=headers)

    async def fetch(self, server: Running, session: str) -> list[str]:
        answer = await self.poll(server, session)
        assert answer.status == 200, answer
        return self.fetched(answer.text)

    async def met(self, server: Running) -> tuple[str, Spark, Recorder]:
        """A session, its spark, and what happens to that."""
        sparks = Recorder(server.primus, "connection")
        session = await self.begin(server)
        spark: Spark = await sparks.one("connection")
        return session, spark, Recorder(spark, "data", "end", "error")

    # -- messages

    async def test_messages_are_posted_and_fetched(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        session = await self.begin(server)
        body = self.posted('"one"', '"tw\\u00f6"', '{"three":3}')
        assert (await self.post(server, session, body)).status in (200, 204)
        assert [json.loads(frame) for frame in await self.fetch(server, session)] == [
            "one",
            "twö",
            {"three": 3},
        ]

    async def test_a_poll_hangs_until_there_is_something(self, serve: Serve) -> None:
        server = await serve()
        session, spark, _ = await self.met(server)
        polling = asyncio.ensure_future(self.fetch(server, session))
        await eventually(lambda: spark.write("now") and polling.done())
        assert '"now"' in await polling

    async def test_what_is_written_in_one_tick_is_fetched_in_order(self, serve: Serve) -> None:
        server = await serve()
        session, spark, _ = await self.met(server)
        polling = asyncio.ensure_future(self.fetch(server, session))
        await asyncio.sleep(0)
        for number in range(100):
            spark.write(number)
        got = await polling
        while len(got) < 100:
            got += await self.fetch(server, session)
        assert got == [str(number) for number in range(100)]

    async def test_a_body_may_be_chunked(self, serve: Serve) -> None:
        server = await serve()
        session, _, events = await self.met(server)

        async def chunks() -> Any:
            yield self.posted('"in pieces"')[:5]
            yield self.posted('"in pieces"')[5:]

        headers = {"Content-Type": "text/plain"}
        await server.get(self.post_path(session), "POST", data=chunks(), headers=headers)
        assert await events.one("data") == "in pieces"

    async def test_what_was_written_before_the_end_is_fetched(self, serve: Serve) -> None:
        server = await serve()
        session, spark, _ = await self.met(server)
        spark.write("first")
        spark.end("last")
        got: list[str] = []
        while '"primus::server::close"' not in got:
            got += await self.fetch(server, session)
        assert got == ['"first"', '"last"', '"primus::server::close"']

    # -- clients that go

    async def test_a_client_that_goes_while_it_polls_is_noticed(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock, ping_interval=False, timeout=False)
        session, spark, events = await self.met(server)
        asked = asyncio.Event()
        server.primus.before("asked", lambda request: asked.set())
        _, writer = await asyncio.open_connection(server.host, server.port)
        head = f"{self.poll_method} {self.poll_path(session)} HTTP/1.1\r\nHost: x\r\n"
        writer.write(head.encode() + b"Content-Length: 0\r\n\r\n")
        await asked.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # it begins to hang
        writer.close()

        def ended() -> bool:
            manual_clock.advance(self.patience)
            return bool(events.story)

        await eventually(ended)
        assert spark.ready_state == Spark.CLOSED

    async def test_a_client_that_does_not_come_back_is_given_up(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        _, spark, events = await self.met(server)
        for _ in range(20):
            manual_clock.advance(10)
            await asyncio.sleep(0)
        await events.next("end")
        assert spark.ready_state == Spark.CLOSED
        assert len(server.primus) == 0

    # -- gates

    async def test_authorization_is_asked_about_every_request(self, serve: Serve) -> None:
        server = await serve()
        session, _, events = await self.met(server)

        def refuse(request: Request) -> None:
            raise Unauthorized("no longer")

        server.primus.authorize(refuse)
        assert (await self.poll(server, session)).status == 401
        assert (await self.post(server, session, self.posted('"x"'))).status == 401
        assert events.seen("data") == []

    async def test_nothing_is_kept_of_a_refused_client(self, serve: Serve) -> None:
        server = await serve(clock=(clock := ManualClock()), write_timeout=False)

        def refuse(request: Request) -> None:
            raise Unauthorized

        server.primus.authorize(refuse)
        with pytest.raises(AssertionError):
            await self.begin(server)
        assert len(server.primus) == 0
        clock.advance(120)  # the answers are watched until they have been sent
        assert clock.pending == 0

    async def test_a_foreign_origin_may_not_poll(self, serve: Serve) -> None:
        server = await serve(origins="http://example.com")
        session, _, _ = await self.met(server)
        headers = {"Origin": "http://evil.example"}
        answer = await server.get(self.poll_path(session), self.poll_method, headers=headers)
        assert answer.status == 403

    # -- attacks

    async def test_the_id_of_a_spark_opens_no_session(self, serve: Serve) -> None:
        server = await serve()
        session, spark, events = await self.met(server)
        answer = await self.post(server, spark.id, self.posted('"forged"'))
        assert answer.status == self.statuses["unknown"]
        assert (await self.post(server, session, self.posted('"mine"'))).status in (200, 204)
        await events.one("data")
        assert [message for message, _ in events.seen("data")] == ["mine"]

    async def test_an_id_generator_makes_no_keys(self, serve: Serve) -> None:
        server = await serve(id_generator=iter(["1", "2"]).__next__)
        one, two = await self.begin(server), await self.begin(server)
        assert len({"1", "2", one, two}) == 4

    async def test_the_key_of_a_session_is_not_shown(
        self, serve: Serve, caplog: pytest.LogCaptureFixture, tracebacks: Tracebacks
    ) -> None:
        caplog.set_level(logging.INFO)
        tracebacks.expect("a middleware layer raised")
        server = await serve()
        session, spark, events = await self.met(server)
        await self.post(server, session, self.posted('"'))
        server.primus.before("broken", lambda request: 1 / 0)
        await self.post(server, session, self.posted('"a layer raises"'))
        shown = [repr(spark), repr(spark.request), repr(events.seen("error")), caplog.text]
        assert "a middleware layer raised" in caplog.text
        assert not [text for text in shown if session in text]

    async def test_a_session_that_is_not_there(self, serve: Serve) -> None:
        server = await serve()
        for session in ("unknown", "0" * 20, "%00", "a" * 5000):
            post = await self.post(server, session, self.posted('"x"'))
            assert post.status == self.statuses["unknown"], session
        assert len(server.primus) == 0

    async def test_a_method_that_is_not_known(self, serve: Serve) -> None:
        server = await serve()
        session, spark, _ = await self.met(server)
        for method in ("PUT", "DELETE", "PATCH"):
            answer = await server.get(self.poll_path(session), method)
            assert answer.status == self.statuses["method"], method
        assert spark.ready_state == Spark.OPEN

    async def test_garbage_costs_only_the_session_that_sends_it(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        other = await self.begin(server)
        for garbage in self.garbage:
            session, _, events = await self.met(server)
            answer = await self.post(server, session, garbage)
            assert answer.status == self.statuses["garbage"], garbage
            assert events.seen("data") == [], garbage
        await self.post(server, other, self.posted('"alive"'))
        assert await self.fetch(server, other) == ['"alive"']

    async def test_a_body_that_is_too_long(self, serve: Serve) -> None:
        server = await serve(max_length=1000, transport=self.limited())
        session, spark, events = await self.met(server)
        body = self.posted(*['"' + "x" * 900 + '"'] * 10)
        assert (await self.post(server, session, body)).status == 413
        assert events.seen("data") == []
        if spark.closed is not None:  # it has cost the session its life
            assert (spark.closed.code, spark.closed.by) == ("limit", "server")
            assert spark.closed.option == 'transport["max_payload"]'

    async def test_a_message_that_is_too_long(self, serve: Serve) -> None:
        server = await serve(max_length=1000, transport=self.limited())
        session, _, events = await self.met(server)
        body = self.posted('"' + "x" * 1500 + '"')
        assert (await self.post(server, session, body)).status == 413
        await events.next("end")
        assert events.seen("data") == []

    async def test_a_body_that_trickles(self, serve: Serve, manual_clock: ManualClock) -> None:
        server = await serve(clock=manual_clock, transport=self.limited())
        session, _, _ = await self.met(server)
        timers = manual_clock.pending
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = f"POST {self.post_path(session)} HTTP/1.1\r\nHost: x\r\n"
        writer.write(head.encode() + b"Content-Type: text/plain\r\nContent-Length: 100\r\n\r\n[")
        await eventually(lambda: manual_clock.pending > timers)
        manual_clock.advance(10)
        async with asyncio.timeout(DEADLINE):
            assert (await reader.readline()).split()[1] == b"408"
        writer.close()

    async def test_a_server_that_ends_takes_no_new_session(self, serve: Serve) -> None:
        server = await serve()
        session, spark, events = await self.met(server)
        ending = asyncio.ensure_future(server.primus.destroy())
        await events.next("end")
        with pytest.raises(AssertionError):
            await self.begin(server)
        assert '"primus::server::close"' in await self.fetch(server, session)
        async with asyncio.timeout(DEADLINE):
            await ending
        assert spark.ready_state == Spark.CLOSED

    async def test_sessions_come_and_go_without_a_trace(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        timers = manual_clock.pending
        for _ in range(20):
            session, spark, _ = await self.met(server)
            spark.end()
            while '"primus::server::close"' not in await self.fetch(server, session):
                pass
        for _ in range(20):
            manual_clock.advance(10)
            await asyncio.sleep(0)
        assert len(server.primus) == 0
        assert manual_clock.pending == timers

    def limited(self) -> dict[str, Any]:
        """The transport options of this contract, with its limits."""
        return {**self.options.get("transport", {}), **self.limits}
