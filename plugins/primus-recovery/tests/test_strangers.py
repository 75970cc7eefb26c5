"""What strangers, other users and other servers can do with tokens and texts: nothing."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus import OptionError, Primus, Unauthorized
from primus_recovery.limits import RecoveryLimits
from primus_recovery.positions import in_text, mark, marked, positions
from primus_recovery.ring import Acks
from primus_recovery.tokens import Signer, Token
from primus_recovery.tracker import Tracker
from primus_testing import ManualClock, MemoryTransformer, Tracebacks, join

SECRET = "a secret of all servers"
SIGNER = Signer([SECRET.encode()], 120.0)
TOKEN = Token("session", "key", "n0", "spark", "user", "epoch", (5, 0), 1000.0, ("a", "é"))


# -- tokens


def test_a_token_is_read_as_it_was_issued() -> None:
    text = SIGNER.issue(TOKEN)

    assert SIGNER.read(text, 1000.0) == TOKEN
    assert SIGNER.read(text, 1119.0) == TOKEN


def test_a_token_runs_out_and_is_not_from_the_future() -> None:
    text = SIGNER.issue(TOKEN)

    assert SIGNER.read(text, 1120.0) is None
    assert SIGNER.read(text, 880.0) is None


def test_another_secret_signs_nothing_and_an_older_one_is_known() -> None:
    text = SIGNER.issue(TOKEN)

    assert Signer([b"another secret..."], 120.0).read(text, 1000.0) is None
    both = Signer([SECRET.encode(), b"a newer secret..."], 120.0)
    assert both.read(text, 1000.0) == TOKEN
    assert SIGNER.read(both.issue(TOKEN), 1000.0) is None


def test_a_token_of_another_secret_is_foreign_and_other_texts_are_not() -> None:
    other = Signer([b"another secret..."], 120.0).issue(TOKEN)
    payload, _, signature = other.partition(".")

    assert SIGNER.is_foreign(other)
    for text in (
        SIGNER.issue(TOKEN),
        "1",
        "é",
        payload,
        f"{payload}.{signature[:-3]}",
        f"MQ.{signature}",
        f"W10.{signature}",
        f"{'W' * 2000}.{signature}",
        f"{other}{' ' * 2048}",
    ):
        assert not SIGNER.is_foreign(text)


async def test_secrets_that_differ_are_one_line_in_the_log(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    one = await cluster.server()
    two = await cluster.server(recovery_secret="another secret than that of the first one")
    sockets = [await cluster.socket(one) for _ in range(2)]

    for socket in sockets:
        await cluster.move(socket, two)

    lines = [each.getMessage() for each in caplog.records if "recovery_secret" in each.getMessage()]
    assert len(lines) == 1


@pytest.mark.parametrize("change", [0, 5, 20, -30, -5, -1])
def test_a_token_with_another_character_is_none(change: int) -> None:
    text = SIGNER.issue(TOKEN)
    other = "A" if text[change] != "A" else "Q"
    forged = text[:change] + other + (text[change + 1 :] if change != -1 else "")

    assert SIGNER.read(forged, 1000.0) is None


@given(st.text())
def test_a_text_that_is_no_token_is_none(text: str) -> None:
    assert SIGNER.read(text, 1000.0) is None


@pytest.mark.parametrize("rooms", [[f"room {n}" for n in range(51)], ["x" * 1500], ["é" * 800]])
def test_too_many_rooms_or_too_long_names_are_not_in_a_token(rooms: list[str]) -> None:
    text = SIGNER.issue(TOKEN._replace(rooms=tuple(rooms)))

    assert len(text) <= 2048
    read = SIGNER.read(text, 1000.0)
    assert read is not None
    assert read.rooms is None


def test_a_huge_token_is_not_looked_at() -> None:
    limits = RecoveryLimits(token_bytes=100)

    assert Signer([SECRET.encode()], 120.0, limits).read(SIGNER.issue(TOKEN), 1000.0) is None


def test_a_secret_for_something_else_signs_no_token() -> None:
    from hashlib import sha256
    from hmac import digest

    payload = SIGNER.issue(TOKEN).partition(".")[0]
    signed = digest(SECRET.encode(), payload.encode(), sha256)[:16]
    forged = f"{payload}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}"

    assert SIGNER.read(forged, 1000.0) is None


# -- positions


def test_positions_are_read_as_they_are_written() -> None:
    assert positions(in_text((1, 2**70)), 2) == (1, 2**70)
    assert marked(mark(0, 7)) == (0, 7)
    assert marked(mark(3, 2**70)) == (3, 2**70)


@pytest.mark.parametrize(
    "text", ["", ",", "1,", "-1", "1.5", "٣", "1" * 31, "1,2,3", " 1", None, 5]
)
def test_what_are_no_positions_is_none(text: Any) -> None:
    assert positions(text, 2) is None


@pytest.mark.parametrize("text", ["", "/1", "1/", "-1", "1/2/3", "٣", "1" * 31, "12345/1", " 1"])
def test_what_is_no_mark_is_none(text: str) -> None:
    assert marked(text) is None


# -- what a server may tell a client


@pytest.mark.parametrize(
    "value",
    ["", "x", " 1", "token", "token 1,", "token -1", "t" * 2049 + " 1", "token " + "1," * 64],
)
def test_a_client_takes_no_other_token(value: str) -> None:
    tracker = Tracker()
    assert tracker.take_token("token 1,2")

    assert not tracker.take_token(value)
    assert tracker.query == "token~1,2~0"


def test_a_client_takes_no_position_of_a_shard_that_it_does_not_know() -> None:
    tracker = Tracker()
    assert not tracker.take_mark("5")
    tracker.take_token("token 1,2")
    assert not tracker.take_mark("2/5")
    assert tracker.take_mark("1/5")
    assert not tracker.handled(0.0)
    assert tracker.query == "token~1,5~0"


def test_a_position_counts_with_its_message_and_never_goes_back() -> None:
    tracker = Tracker()
    tracker.take_token("token 10")
    tracker.take_mark("12")
    assert tracker.query == "token~10~0"
    tracker.lost()
    tracker.handled(0.0)
    assert tracker.query == "token~10~1"
    tracker.take_mark("9")
    tracker.handled(0.0)
    assert tracker.query == "token~10~1"


@pytest.mark.parametrize("value", ["", "1", "2.0", "1.x", "1.-1", "1." + "1" * 16, "wait", "1.٣"])
def test_a_client_takes_no_other_word_of_its_session(value: str) -> None:
    tracker = Tracker(acks=Acks(handled=3))

    assert tracker.take_session(value) is None
    assert tracker.acks.handled == 3


# -- what a stranger may ask for


async def asked(
    cluster: Any, primus: Primus, value: str, target: str = "", **request: Any
) -> list[Any]:
    """What a peer is told that comes with this parameter."""
    _, wire = join(primus, f"/primus/?_recovery={quote(value, safe='')}{target}", **request)
    await cluster.turns(30)
    return [primus.parser.decode(frame) for frame in wire.sent]


def verdicts(told: list[Any]) -> list[Any]:
    words = [text.split("::", 2) for text in told if isinstance(text, str) and "::" in text]
    return [json.loads(value) for _, name, value in words if name == "recovered"]


NOTHING = {"rooms": False, "session": False, "missed": 0}


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "~~",
        "1~0~0",
        "x.y~0~0",
        "." * 2000,
        "A" * 10_000,
        SIGNER.issue(TOKEN) + "~1~0",
        "\x00~\uffff~\u2028",
    ],
)
async def test_what_is_no_token_recovers_nothing(cluster: Any, value: str) -> None:
    one = await cluster.server(recovery_rooms=True)
    one.room("a").write("secret")
    await cluster.turns()

    told = await asked(cluster, one, value)

    assert verdicts(told) == [NOTHING]
    assert "secret" not in told
    (spark,) = one
    assert spark.rooms() == []


def brought(socket: Any) -> str:
    """What a client would bring to its next connection."""
    return str(socket._comeback._tracker.query)


async def left_something(cluster: Any, one: Primus, query: str = "") -> str:
    """What a client brings that is gone, and has missed something in a room and of its session."""
    one.on("connection", lambda spark: spark.join("a") and None)
    socket = await cluster.socket(one, query)
    (spark,) = one
    spark._transport.other.other = spark._transport.other = None
    spark.write("secret of the session")
    spark.abort()
    one.off("connection")
    one.room("a").write("secret of the room")
    await cluster.turns()
    return brought(socket)


async def test_its_owner_gets_what_it_has_missed(cluster: Any) -> None:
    one = await cluster.server(recovery_rooms=True)
    query = await left_something(cluster, one)

    told = await asked(cluster, one, query)

    assert verdicts(told) == [{"rooms": True, "session": True, "missed": 2}]
    assert "secret of the session" in told
    assert "secret of the room" in told


async def test_positions_of_another_epoch_bring_nothing_back(cluster: Any) -> None:
    one = await cluster.server(recovery_rooms=True)
    text, rest = (await left_something(cluster, one)).split("~", 1)
    token = SIGNER.read(text, time.time())
    assert token is not None
    other = SIGNER.issue(token._replace(epoch="another"))

    told = await asked(cluster, one, f"{other}~{rest}")

    assert [verdict["rooms"] for verdict in verdicts(told)] == [False]
    assert "secret of the room" not in told


async def test_a_session_that_comes_for_a_client_that_has_gone_again_is_kept(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    query = await left_something(cluster, one)

    spark, _ = join(two, f"/primus/?_recovery={quote(query, safe='')}")
    spark.abort()
    await cluster.turns(30)

    (verdict,) = verdicts(await asked(cluster, two, query))
    assert verdict["session"] is True


async def test_without_a_bus_a_session_stays_for_a_client_that_has_ended_with_its_former_connection(
    cluster: Any,
) -> None:
    primus = cluster.alone()
    socket = await cluster.socket(primus)
    (former,) = primus
    former.on("end", lambda: [spark.abort() for spark in primus])
    query = brought(socket)

    await asked(cluster, primus, query)
    assert list(primus) == []

    (verdict,) = verdicts(await asked(cluster, primus, query))
    assert verdict["session"] is True


async def test_a_session_is_found_on_the_bus_though_its_server_has_begun_again(
    cluster: Any,
) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    query = await left_something(cluster, one)
    await one.destroy()
    await cluster.server(node="n0")

    (verdict,) = verdicts(await asked(cluster, two, query))
    assert verdict["session"] is True


class Exclaiming:
    """A parser whose frames no other one reads."""

    name = "exclaiming"

    def encode(self, value: Any) -> str:
        return "!" + json.dumps(value)

    def decode(self, frame: Any) -> Any:
        return json.loads(frame[1:])


async def test_a_server_with_another_parser_does_not_go_on_with_a_session(cluster: Any) -> None:
    one = await cluster.server()
    two = await cluster.server(parser=Exclaiming(), recovery_rooms=True)
    query = await left_something(cluster, one)

    (verdict,) = verdicts(await asked(cluster, two, query))
    assert verdict["session"] is False


async def test_a_client_gets_a_token_of_the_epoch_that_begins(cluster: Any) -> None:
    one = await cluster.server()
    socket = await cluster.socket(one)
    before = one.backplane.epoch

    await one.backplane.bus.end_epoch()
    await cluster.turns(30)

    token = SIGNER.read(brought(socket).partition("~")[0], time.time())
    assert token is not None
    assert token.epoch == one.backplane.epoch != before


async def test_a_server_that_plugs_it_out_tells_nothing_and_leaves_the_bus_to_others(
    cluster: Any, clock: ManualClock
) -> None:
    one = await cluster.server()
    socket = await cluster.socket(one)
    before = brought(socket)

    one.plugout("recovery")
    clock.advance(100.0)
    await cluster.turns()

    assert brought(socket) == before
    for kind in ("left", "ask", "give"):
        one.backplane.carry(f"recovery-{kind}", lambda message: None)
    assert one.backplane.listeners("epoch") == one.backplane.listeners("gap") == ()


async def test_all_clients_of_a_server_share_one_timer(cluster: Any, clock: ManualClock) -> None:
    one = await cluster.server()
    pending = [clock.pending]
    for _ in range(2):
        join(one, "/primus/?_recovery=1")
        pending.append(clock.pending)
    none, first, second = pending

    assert second - first < first - none


@pytest.mark.parametrize(
    ("target", "request_"),
    [("&user=eve", {}), ("", {"headers": {"Authorization": "Bearer eve"}})],
    ids=["query", "header"],
)
async def test_another_user_gets_nothing_by_a_token(
    cluster: Any, target: str, request_: dict[str, Any]
) -> None:
    one = await cluster.server(recovery_rooms=True)
    query = await left_something(cluster, one)

    told = await asked(cluster, one, query, target, **request_)

    assert verdicts(told) == [NOTHING]
    assert not [text for text in told if "secret" in text]
    assert verdicts(await asked(cluster, one, query)) == [
        {"rooms": True, "session": True, "missed": 2}
    ]


async def test_the_application_says_which_user_a_connection_is_of(cluster: Any) -> None:
    def user(spark: Any) -> str | None:
        found = spark.headers.get("x-user")
        return None if found is None else str(found)

    one = await cluster.server(recovery_rooms=True, recovery_user=user)
    query = await left_something(cluster, one)

    told = await asked(cluster, one, query, headers={"X-User": "eve"})
    assert verdicts(told) == [NOTHING]
    told = await asked(cluster, one, query, "&any=thing")
    assert verdicts(told) == [{"rooms": True, "session": True, "missed": 2}]


async def test_without_a_common_secret_no_other_server_knows_a_token(cluster: Any) -> None:
    one = await cluster.server(recovery_secret=None)
    two = await cluster.server(recovery_secret=None, recovery_rooms=True)
    query = await left_something(cluster, one)

    assert verdicts(await asked(cluster, two, query)) == [NOTHING]


async def test_a_session_is_given_once(cluster: Any) -> None:
    one = await cluster.server()
    query = await left_something(cluster, one)

    first = await asked(cluster, one, query)
    assert "secret of the session" in first
    for spark in tuple(one):
        spark.end()
    second = await asked(cluster, one, query)

    assert "secret of the session" in second  # it was not acknowledged
    third = await asked(cluster, one, query.rpartition("~")[0] + "~99")
    assert "secret of the session" not in third


async def test_positions_that_a_client_makes_up_bring_nothing_more(cluster: Any) -> None:
    one = await cluster.server(recovery_rooms=True)
    one.room("a").write("from before")
    await cluster.turns()
    token, _, handled = (await left_something(cluster, one)).split("~")

    for known in ("0", "9" * 30, "1,2,3", ",".join(["0"] * 64)):
        told = await asked(cluster, one, f"{token}~{known}~{handled}")
        assert "from before" not in told
    assert "secret of the room" not in await asked(cluster, one, f"{token}~{'9' * 30}~{handled}")


@pytest.mark.parametrize("value", ["", "x", "-1", "1" * 16, "٣", "999"])
async def test_an_acknowledgement_of_nothing_is_ignored(cluster: Any, value: str) -> None:
    one = await cluster.server()
    spark, wire = join(one, "/primus/?_recovery=1")
    spark.write(1)

    wire.receive(one.parser.encode(f"primus::ack::{value}"))
    wire.receive(one.parser.encode("primus::at::5"), one.parser.encode("primus::token::x 1"))
    await cluster.turns()

    assert len(one.recovery._followers[spark].ring) == 1


async def test_authorization_runs_again(cluster: Any) -> None:
    def refuse(request: Any) -> None:
        raise Unauthorized("no more")

    one = await cluster.server()
    two = await cluster.server(recovery_rooms=True, authorization=refuse)
    socket = await cluster.socket(one)
    cluster.cut(socket)
    cluster.at(two)
    await cluster.turns()
    cluster.clock.advance(0.02)
    await cluster.turns()

    assert len(two) == 0
    assert socket.recovered is None


@pytest.mark.parametrize(
    "message",
    [
        {"session": None, "room": None},
        {"session": ["x"], "room": {"a": 1}},
        {},
    ],
)
async def test_what_another_server_says_wrong_harms_nothing(
    cluster: Any, message: dict[str, Any], tracebacks: Tracebacks
) -> None:
    tracebacks.expect("could not be delivered")
    one = await cluster.server()
    two = await cluster.server()
    for kind in ("recovery-left", "recovery-ask", "recovery-give"):
        two.backplane.post(kind, message)
    two.backplane.post("rooms", {"rooms": "a", "except": 5}, "json", "1")
    two.backplane.post("rooms", {"rooms": [1, None], "except": [None]}, "json", "1")
    await cluster.turns()

    one.on("connection", lambda spark: spark.join("a") and None)
    socket = await cluster.socket(one)
    one.room("a").write("fine")
    await cluster.turns()
    assert [data for data, *_ in socket.story.seen("data")] == ["fine"]


async def test_text_that_clients_obey_comes_from_no_server(
    cluster: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("could not be delivered")
    one = await cluster.server()
    two = await cluster.server()
    one.on("connection", lambda spark: spark.join("a") and None)
    socket = await cluster.socket(one)

    two.backplane.post("rooms", {"rooms": ["a"]}, "json", '"primus::server::close"')
    await cluster.turns()
    cluster.cut(socket)
    await cluster.back(socket, one)

    assert socket.ready_state == socket.OPEN
    assert socket.recovered["rooms"] is True

    three = await cluster.server(recovery_rooms=True)  # reads what the bus keeps
    await cluster.move(socket, three)
    assert socket.ready_state == socket.OPEN


@pytest.mark.parametrize(
    "options",
    [
        {"recovery_secret": ""},
        {"recovery_secret": "short"},
        {"recovery_secret": [b"x" * 16, "short"]},
        {"recovery_secret": []},
        {"recovery_rooms": "all"},
        {"recovery_user": "name"},
        {"recovery_grace": 0},
        {"recovery_grace": False},
        {"recovery_takeover": 0},
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        Primus(transformer=MemoryTransformer, plugin="recovery", **options)
