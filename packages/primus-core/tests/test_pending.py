"""Heads and the connections that wait for them, on wires that do nothing by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from primus.http import Response
from primus.limits import DEFAULT_LIMITS
from primus.server.head_intake import HeadIntake
from primus.server.pending import NEVER, Deadlines, PendingConnections
from primus_testing import MemoryTransformer, eventually
from primus_testing.noting import NotingTransport

HEAD = b"GET /primus HTTP/1.1\r\nHost: x\r\n\r\n"


class Elsewhere:
    """Another process, which takes what it wants."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.story: list[Any] = []

    def take(self, transport: Any, data: bytes) -> bool:
        """A first request."""
        self.story.append(("take", data))
        return self.takes

    def give(self, transport: Any, data: bytes) -> bool:
        """A connection that waits."""
        self.story.append(("give", data))
        return self.takes


class Heads(HeadIntake):
    """Notes the heads that are whole."""

    def __init__(self, pending: Any, adopted: bytes | None = None) -> None:
        super().__init__(pending, adopted)
        self.heads: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Wait for a head."""
        if not self._is_refused:
            self.collect(data)

    def arrived(self, data: bytes, end: int) -> None:
        """Take a head."""
        self.heads.append(data[:end])


class Served:
    """The connections of a server, and one of them."""

    def __init__(
        self,
        *,
        elsewhere: Elsewhere | None = None,
        secure: bool = False,
        adopted: bytes | None = None,
        **limits: Any,
    ) -> None:
        self.awaited: list[Any] = []
        self.forgotten: list[Any] = []
        self.elsewhere = elsewhere
        primus: Any = SimpleNamespace(
            limits=replace(DEFAULT_LIMITS, max_head=100, **limits),
            elsewhere=elsewhere,
            transformer=MemoryTransformer,
            writes=SimpleNamespace(add=self.awaited.append, discard=self.forgotten.append),
        )
        self.pending = PendingConnections(primus, None, secure)
        self.wire = NotingTransport()
        self.heads = self.wire.protocol = Heads(self.pending, adopted)

    def connect(self) -> Served:
        """Let the client come."""
        self.heads.connection_made(self.wire)
        return self


async def test_a_head_is_kept_until_it_is_whole_and_its_connection_has_a_deadline() -> None:
    served = Served().connect()
    due = served.pending.deadlines.due
    assert due[served.wire] != NEVER
    for byte in HEAD:
        assert served.heads.heads == []
        served.heads.data_received(bytes((byte,)))
    assert served.heads.heads == [HEAD]
    assert due[served.wire] == NEVER  # it is answered now


async def test_a_head_gets_its_own_time_from_its_first_byte() -> None:
    served = Served(handshake_timeout=1000.0).connect()
    due = served.pending.deadlines.due
    served.pending.deadlines.set(served.wire, None)
    idle = due[served.wire]
    served.heads.data_received(b"GET /")
    begun = due[served.wire]
    assert begun < idle
    served.heads.data_received(b"primus")
    assert due[served.wire] == begun  # and no more with each byte


@pytest.mark.parametrize(("more", "is_refused"), [(0, False), (1, True)])
async def test_a_head_may_be_as_long_as_the_limit(more: int, is_refused: bool) -> None:
    head = HEAD[:-2] + b"X: " + b"x" * (100 - len(HEAD) - 5 + more) + b"\r\n\r\n"
    assert len(head) == 100 + more
    served = Served().connect()
    served.heads.data_received(head + b"body" * 100)
    assert served.wire.written.startswith(b"HTTP/1.1 431 ") is is_refused
    assert served.heads.heads == ([] if is_refused else [head])


async def test_a_head_without_an_end_is_refused_at_the_limit() -> None:
    served = Served().connect()
    served.heads.data_received(b"G" * 100)
    assert served.wire.written == b""
    served.heads.data_received(b"G")
    assert served.wire.written.startswith(b"HTTP/1.1 431 ")
    assert served.awaited == [served.wire]  # the client has to take the answer


async def test_what_is_no_request_is_looked_at_at_once() -> None:
    served = Served().connect()
    served.heads.data_received(b"\x16\x03\x01")
    assert served.heads.heads == [b"\x16\x03\x01"]


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_a_first_request_may_be_for_another_process(is_elsewhere: bool) -> None:
    elsewhere = Elsewhere(takes=is_elsewhere)
    served = Served(elsewhere=elsewhere).connect()
    served.heads.data_received(HEAD)
    served.heads.data_received(HEAD)
    assert elsewhere.story == [("take", HEAD)]  # the first alone
    assert served.heads.heads == ([] if is_elsewhere else [HEAD, HEAD])


async def test_a_connection_with_tls_stays_here() -> None:
    elsewhere = Elsewhere()
    served = Served(elsewhere=elsewhere, secure=True).connect()
    served.pending.hand_over()
    served.heads.data_received(HEAD)
    assert elsewhere.story == []
    assert served.heads.heads == [HEAD]


async def test_what_another_process_has_handed_over_is_not_handed_on() -> None:
    elsewhere = Elsewhere()
    served = Served(elsewhere=elsewhere, adopted=HEAD).connect()
    assert served.heads.heads == [HEAD]
    assert elsewhere.story == []


async def test_connections_that_wait_are_given_away_with_the_part_of_a_head_that_has_come() -> None:
    elsewhere = Elsewhere()
    served = Served(elsewhere=elsewhere).connect()
    served.heads.data_received(b"GET /")
    served.pending.hand_over()
    served.pending.hand_over()
    assert elsewhere.story == [("give", b"GET /")]  # once: what still comes is the other's
    served.heads.data_received(HEAD)
    assert served.heads.heads == []


@pytest.mark.parametrize("why", ["answered", "closing", "alone", "refused"])
async def test_a_connection_that_does_not_wait_is_not_given_away(why: str) -> None:
    elsewhere = Elsewhere(takes=False)
    served = Served(elsewhere=None if why == "alone" else elsewhere).connect()
    if why == "answered":
        served.heads.data_received(HEAD)
    elif why == "closing":
        served.wire.closing = True
    elif why == "refused":
        served.heads.refuse(Response.error(400))
    elsewhere.story.clear()
    served.pending.hand_over()
    assert elsewhere.story == []


async def test_a_refused_client_can_read_the_answer_while_what_it_sends_is_passed_over() -> None:
    served = Served().connect()
    served.wire.reading = False
    served.heads.refuse(Response.error(400))
    assert served.wire.story == ["read", "eof"]
    served.heads.data_received(HEAD)
    assert served.heads.heads == []
    assert served.pending.deadlines.due[served.wire] != NEVER  # it is dropped in time
    tls = Served().connect()
    tls.wire.is_half_closable = False
    tls.heads.refuse(Response.error(400))
    assert tls.wire.story == []


@pytest.mark.parametrize("why", ["no timeout", "closed"])
async def test_a_refused_client_is_not_waited_for_without_a_deadline(why: str) -> None:
    served = Served(handshake_timeout=None if why == "no timeout" else 10.0).connect()
    served.pending.is_closed = why == "closed"
    served.heads.refuse(Response.error(400))
    assert served.wire.story == ["closed"]


async def test_a_connection_that_ends_by_itself_is_neither_closed_nor_waited_for() -> None:
    served = Served().connect()
    served.wire.closing = True
    served.heads.linger()
    assert served.wire.story == []


async def test_a_connection_that_comes_when_the_server_has_closed_is_dropped() -> None:
    served = Served()
    served.pending.is_closed = True
    served.connect()
    assert served.wire.story == ["aborted"]
    assert served.pending.deadlines.due == {}


async def test_a_connection_that_is_lost_or_taken_is_expected_nothing_of() -> None:
    served = Served().connect()
    served.heads.connection_lost(None)
    served.heads.connection_lost(None)
    assert served.pending.deadlines.due == {}
    assert served.forgotten == [served.wire, served.wire]


async def test_a_client_that_reads_too_slowly_is_watched() -> None:
    served = Served().connect()
    served.heads.pause_writing()
    assert served.awaited == [served.wire]


async def test_a_connection_is_dropped_when_its_time_is_over_and_others_are_not() -> None:
    deadlines = Deadlines(0.01, None)
    late, answered, idle, closing = (NotingTransport() for _ in range(4))
    closing.closing = True
    deadlines.set(late, 0.0)
    deadlines.set(closing, 0.0)
    deadlines.set(idle, None)
    deadlines.due[answered] = NEVER
    await eventually(lambda: late.story)
    assert late.story == ["aborted"]
    assert (closing.story, answered.story, idle.story) == ([], [], [])
    assert set(deadlines.due) == {answered, idle}
    deadlines.set(late, 0.0)
    await eventually(lambda: late.story == ["aborted"] and late not in deadlines.due)  # it goes on
    deadlines.close()
    assert (idle.story, answered.story) == (["closed"], [])


async def test_without_any_timeout_nothing_is_dropped() -> None:
    deadlines = Deadlines(None, None)
    wire = NotingTransport()
    deadlines.set(wire, None)
    assert deadlines._timer is None
    deadlines.close()
    assert wire.story == ["closed"]


async def test_answers_under_way_get_their_time_when_a_server_closes() -> None:
    async def answer() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            story.append("cancelled")
            raise

    story: list[str] = []
    served = Served().connect()
    served.pending.tasks.add(task := asyncio.create_task(answer()))
    await asyncio.sleep(0)
    await served.pending.close(0.01)
    await eventually(task.done)
    assert story == ["cancelled"]
    assert served.pending.is_closed
    assert served.wire.story == ["closed"]
