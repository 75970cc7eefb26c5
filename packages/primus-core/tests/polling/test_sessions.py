"""The sessions of a polling transformer."""

import asyncio

from primus.polling import Sessions
from primus_testing import DEADLINE, ManualClock, MemoryTransport


class Session(MemoryTransport):
    """A session that its registry forgets when it is aborted."""

    def __init__(self, sessions: "Sessions[Session]", id: str) -> None:
        super().__init__()
        self.sessions, self.id = sessions, id
        sessions.add(id, self)

    def abort(self) -> None:
        super().abort()
        self.sessions.discard(self.id)


def test_a_session_is_known_until_it_is_discarded(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    one, two = Session(sessions, "one"), Session(sessions, "two")
    assert sessions.get("one") is one
    assert list(sessions) == [one, two]
    sessions.discard("one")
    sessions.discard("one")
    assert sessions.get("one") is None
    assert len(sessions) == 1


def test_sessions_that_are_polled_are_told_from_websockets(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    polled, websocket = Session(sessions, "polled"), MemoryTransport()
    other: Sessions[MemoryTransport] = Sessions(manual_clock)
    other.add("websocket", websocket, polled=False)
    assert (len(other), other.polled, other.get("websocket")) == (1, 0, websocket)
    for is_polled, counted in ((False, 0), (False, 0), (True, 1), (True, 1)):
        sessions.switch("polled", polled=is_polled)
        assert (len(sessions), sessions.polled) == (1, counted)
        assert (sessions.get("polled"), list(sessions)) == (polled, [polled])
    sessions.switch("unknown", polled=False)
    assert len(sessions) == 1


def test_a_session_is_forgotten_polled_or_not(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    Session(sessions, "one"), Session(sessions, "two")
    sessions.switch("one", polled=False)
    sessions.discard("one")
    assert (len(sessions), sessions.polled, sessions.get("one")) == (1, 1, None)
    sessions.discard("two")
    sessions.switch("two", polled=True)
    assert (len(sessions), sessions.polled) == (0, 0)


async def test_the_end_waits_for_websockets_too(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    session = Session(sessions, "one")
    sessions.switch("one", polled=False)
    await sessions.close(within=0.01)
    assert session.aborted


def test_what_sessions_wait_for_is_on_one_timer(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    for number in range(100):
        session = Session(sessions, str(number))
        sessions.timers.put(session.abort, manual_clock.time() + 5)
    assert manual_clock.pending == 1
    manual_clock.advance(5)
    assert len(sessions) == 0
    assert manual_clock.pending == 0


async def test_the_end_waits_for_sessions_to_go_by_themselves(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    session = Session(sessions, "one")
    sessions.timers.put(session.abort, manual_clock.time() + 5)
    closing = asyncio.ensure_future(sessions.close(within=DEADLINE))
    await asyncio.sleep(0)
    assert not closing.done()
    sessions.discard("one")
    await closing
    assert not session.aborted
    assert manual_clock.pending == 0


async def test_the_end_drops_those_that_do_not_go(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    session = Session(sessions, "one")
    await sessions.close(within=0.01)
    assert session.aborted
    assert len(sessions) == 0
    await sessions.close(within=0.01)


async def test_the_end_of_a_server_without_sessions_waits_for_nothing_and_stops_its_timer(
    manual_clock: ManualClock,
) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    sessions.timers.put(print, manual_clock.time() + 5)
    await sessions.close(within=DEADLINE)
    assert manual_clock.pending == 0


async def test_the_end_waits_for_the_last_session(manual_clock: ManualClock) -> None:
    sessions: Sessions[Session] = Sessions(manual_clock)
    Session(sessions, "one"), Session(sessions, "two")
    closing = asyncio.ensure_future(sessions.close(within=DEADLINE))
    await asyncio.sleep(0)
    sessions.discard("one")
    sessions.discard("other")
    for _ in range(3):
        await asyncio.sleep(0)
    assert not closing.done()
    sessions.discard("two")
    await closing
