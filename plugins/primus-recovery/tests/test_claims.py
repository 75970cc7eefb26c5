"""What a stranger may bring, and the options, without servers."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

import primus_recovery
from primus import OptionError, Primus
from primus_recovery.follower import Follower
from primus_recovery.kept import Kept, Sessions
from primus_recovery.limits import RecoveryLimits
from primus_recovery.options import chosen
from primus_recovery.positions import mark, marked, positions
from primus_recovery.ring import Ring
from primus_recovery.tokens import Token
from primus_testing import ManualClock, MemoryTransformer

SECRET = "x" * 16


@pytest.fixture
def recovery() -> Any:
    """That of a server without a bus, which has not begun."""
    primus: Any = Primus(transformer=MemoryTransformer, plugin="recovery", recovery_secret=SECRET)
    return primus.recovery


def token(recovery: Any, user: str = "ann") -> str:
    made = Token("session", "key", "n0", "spark", user, "epoch", (1, 2), time.time(), ("a",))
    text: str = recovery._signer.issue(made)
    return text


def test_a_client_brings_its_token_what_it_knows_and_how_much_it_has_handled(recovery: Any) -> None:
    claim = recovery._claim(f"{token(recovery)}~5,6~7", "ann")
    assert (claim.token.key, claim.known, claim.handled) == ("key", (5, 6), 7)
    longest = "9" * 15
    assert recovery._claim(f"{token(recovery)}~5~{longest}", "ann").handled == 10**15 - 1


@pytest.mark.parametrize(
    ("rest", "user"),
    [
        ("", "ann"),
        ("~", "ann"),
        ("~5", "ann"),
        ("~~7", "ann"),
        ("~5~", "ann"),
        ("~5~-7", "ann"),
        ("~5~+7", "ann"),
        ("~5~7.0", "ann"),
        ("~5~x", "ann"),
        ("~5~\u0667", "ann"),
        ("~5~\xb2", "ann"),
        ("~5~" + "9" * 16, "ann"),
        ("~5~7~8", "ann"),
        ("~x~7", "ann"),
        ("~5~7", "bob"),
        ("~5~7", ""),
    ],
)
def test_what_is_no_claim_of_the_same_user_is_none(recovery: Any, rest: str, user: str) -> None:
    assert recovery._claim(token(recovery) + rest, user) is None


def test_a_token_that_was_changed_is_none(recovery: Any) -> None:
    text = token(recovery)
    payload, _, signature = text.partition(".")
    for forged in ("", ".", payload, f".{signature}", f"{payload}.", text[:-1], f"A{text}"):
        assert recovery._claim(f"{forged}~5~7", "ann") is None


# -- positions


def test_as_many_positions_are_read_as_may_be() -> None:
    longest = ",".join(["9" * 15] * 3)
    assert positions("1,2,3", 3) == (1, 2, 3)
    assert positions(longest, 3) == (10**15 - 1,) * 3
    assert positions("1,2,3,4", 3) is None
    for wrong in (None, 5, "", ",", "1,", "-1", "1, 2", "\u0661", "1\n", "9" * 40):
        assert positions(wrong, 3) is None


def test_the_position_of_the_first_shard_stands_alone() -> None:
    assert [mark(0, 7), mark(3, 7)] == ["7", "3/7"]
    assert [marked("7"), marked("3/7"), marked("0/7")] == [(0, 7), (3, 7), (0, 7)]
    for wrong in ("", "/7", "3/", "3/7/1", "12345/7", "-1"):
        assert marked(wrong) is None


# -- options


def test_what_the_options_may_be() -> None:
    def rooms(spark: Any, room: str) -> bool:
        return True

    assert chosen({}).secrets == ()
    assert chosen({"recovery_secret": SECRET}).secrets == (SECRET.encode(),)
    assert chosen({"recovery_secret": [SECRET, b"y" * 16]}).secrets == (b"x" * 16, b"y" * 16)
    assert chosen({"recovery_rooms": rooms}).rooms is rooms
    assert chosen({"recovery_user": repr}).user is repr


@pytest.mark.parametrize(
    "option",
    [
        {"recovery_rooms": None},
        {"recovery_rooms": "a"},
        {"recovery_user": "ann"},
        {"recovery_user": False},
        {"recovery_secret": ""},
        {"recovery_secret": []},
        {"recovery_secret": "x" * 15},
        {"recovery_secret": [SECRET, "x" * 15]},
        {"recovery_secret": [SECRET, list(range(16))]},
        {"recovery_grace": None},
        {"recovery_takeover": False},
    ],
)
def test_an_option_that_cannot_work_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(option))):
        chosen(option)


def test_the_module_has_no_name_that_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Recoverer'"):
        primus_recovery.Recoverer  # noqa: B018


# -- one client


class Client:
    """A spark, as far as a follower asks it."""

    id = "spark"

    def __init__(self) -> None:
        self.handled = 0
        self.clock = ManualClock()
        self.told: list[Any] = []
        self.listeners: dict[str, Any] = {}

    def on(self, event: str, fn: Any) -> None:
        """Listen."""
        self.listeners[event] = fn

    def send_control(self, name: str, value: str = "") -> None:
        """Tell the client."""
        self.told.append((name, value))


def follower(**limits: Any) -> tuple[Follower, Client]:
    client = Client()
    made = Follower(client, "session", "key", "ann", (0,), RecoveryLimits(**limits))
    made.follow()
    return made, client


def test_what_a_client_has_handled_is_a_number_that_was_sent() -> None:
    made, client = follower()
    for frame in ("one", "two", "three"):
        client.listeners["outgoing::message"](frame)
    for wrong in ("", "-1", "x", "\u0661", "\xb2", "9" * 16):
        made.acknowledged(wrong)
        assert made.ring.since(0) == ("one", "two", "three")
    made.acknowledged("2")
    assert made.ring.since(2) == ("three",)
    assert made.ring.since(0) is None


def test_a_client_learns_of_what_was_handled_when_so_much_has_come() -> None:
    _, client = follower(ack_messages=3)
    for number in range(3):
        client.listeners["incoming::data"]("frame")
        client.handled = number + 1
    assert client.told == []
    client.listeners["incoming::data"]("frame")  # this one is not handled yet
    assert [value for _, value in client.told] == ["3"]
    for number in range(3):
        client.listeners["incoming::data"]("frame")
        client.handled = number + 4
    assert len(client.told) == 1


def test_a_client_in_rooms_by_a_pattern_gets_a_token_without_rooms() -> None:
    made, _ = follower()
    made.standing.rooms["a"] = made.standing.rooms["b"] = (0,)
    assert made.token("n0", "epoch", (7,), 1.0).rooms == ("a", "b")
    made.standing.rooms["a.*"] = (0,)
    assert made.token("n0", "epoch", (7,), 1.0).rooms is None


# -- sessions of clients that have gone


def kept(*frames: str) -> Kept:
    ring = Ring(RecoveryLimits())
    for frame in frames:
        ring.add(frame)
    return Kept(ring, 0, "JSON")


def test_a_session_is_taken_once_and_within_the_window() -> None:
    sessions = Sessions(10.0)
    one = kept("a")
    sessions.keep("one", one, 0.0)
    assert sessions.take("two", 0.0) is None
    assert sessions.take("one", 9.9) is one
    assert sessions.take("one", 9.9) is None
    sessions.keep("one", one, 0.0)
    assert sessions.take("one", 10.0) is None
    assert len(sessions) == 0


def test_sessions_whose_time_is_over_go_when_another_comes() -> None:
    sessions = Sessions(10.0)
    sessions.keep("one", kept("a"), 0.0)
    sessions.keep("two", kept("a"), 5.0)
    sessions.keep("three", kept("a"), 10.0)
    assert [key for key, _ in sessions.take_all()] == ["two", "three"]
    assert (len(sessions), sessions._size) == (0, 0)


def test_so_many_sessions_are_kept_and_the_oldest_give_way() -> None:
    sessions = Sessions(10.0, RecoveryLimits(sessions=2))
    for key in ("one", "two", "one", "three"):
        sessions.keep(key, kept("a"), 0.0)
    assert [key for key, _ in sessions.take_all()] == ["one", "three"]


def test_sessions_are_kept_up_to_so_many_bytes() -> None:
    size = kept("a" * 100).ring.size
    sessions = Sessions(10.0, RecoveryLimits(session_bytes=2 * size))
    for key in ("one", "two"):
        sessions.keep(key, kept("a" * 100), 0.0)
    assert len(sessions) == 2
    sessions.keep("three", kept("a"), 0.0)
    assert [key for key, _ in sessions.take_all()] == ["two", "three"]


# -- a bus that does not keep sessions


class Bus:
    """Notes what is parked; fails from the third on."""

    def __init__(self) -> None:
        self.parked: list[str] = []

    async def park(self, key: str, data: bytes, window: float) -> None:
        """Keep a session."""
        if len(self.parked) == 2:
            raise OSError("full")
        self.parked.append(key)


async def test_sessions_that_a_bus_does_not_keep_are_told_of_once(
    recovery: Any, caplog: pytest.LogCaptureFixture
) -> None:
    recovery._backplane = SimpleNamespace(bus=Bus())
    for number in range(100):
        recovery._sessions.keep(f"k{number}", kept("a"), recovery._clock.time())
    await recovery.close()
    recovery._backplane = None
    assert len(caplog.records) == 1
    assert "sessions could not be kept: full" in caplog.text
    assert recovery._parking.is_set()


# -- what a connection belongs to


def user_of(recovery: Any, query: dict[str, str], **more: Any) -> str:
    """The digest of what a connection belongs to."""
    given = {"headers": {}, "mirage": None, **more}
    return str(recovery._user_of(SimpleNamespace(query=query, **given)))


def test_parameters_of_transports_and_of_primus_make_no_other_user(recovery: Any) -> None:
    one = {
        "token": "x",
        "EIO": "4",
        "transport": "polling",
        "t": "1",
        "_primuscb": "a",
        "RID": "7",
        "zx": "q",
    }
    other = {"token": "x", "sid": "y", "j": "2", "b64": "1", "c": "d", "_recovery": "1"}
    assert user_of(recovery, one) == user_of(recovery, other) == user_of(recovery, {"token": "x"})


def test_what_browserchannel_tells_connections_apart_by_makes_no_other_user() -> None:
    primus: Any = Primus(transformer="browserchannel", plugin="recovery", recovery_secret="s" * 32)
    recovery = primus.recovery
    assert user_of(recovery, {"a": "1", "RID": "2"}) == user_of(recovery, {"a": "3", "RID": "4"})


def test_another_query_authorization_or_mirage_is_another_user(recovery: Any) -> None:
    users = {
        user_of(recovery, {}),
        user_of(recovery, {"token": "x"}),
        user_of(recovery, {"token": "y"}),
        user_of(recovery, {}, headers={"authorization": "Basic x"}),
        user_of(recovery, {}, mirage="one"),
        user_of(recovery, {}, mirage="two"),
    }
    assert len(users) == 6


def test_a_server_without_a_secret_of_its_own_says_nothing_of_foreign_tokens(
    recovery: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plain: Any = Primus(transformer=MemoryTransformer, plugin="recovery")
    assert plain.recovery._claim(f"{token(recovery)}~5,6~7", "ann") is None
    assert caplog.records == []
