"""Envelopes, options and codecs without a Redis, and what a server makes of them."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from primus import OptionError, ParserError, PrimusError
from primus.parsers.json import JSONParser
from primus_cluster.codec import decoded, encoded, text_of
from primus_cluster.envelope import Envelope, opened, to_all, to_rooms
from primus_cluster.limits import DEFAULT_RELAY_LIMITS
from primus_cluster.options import Channel, Shared, channel, shared
from primus_cluster.relay import Relay, Unusable
from primus_testing import ManualClock, join
from primus_testing.plugin import MakePrimus

OURS, THEIRS = 0.5, 0.25

# -- envelopes


def test_what_one_server_says_another_opens() -> None:
    assert opened(to_all(THEIRS, "write", ["hi"]), OURS) == Envelope("write", ["hi"])
    rooms = to_rooms(THEIRS, "send", ["event", 1], ("a",), ("s1",))
    assert opened(rooms, OURS) == Envelope("send", ["event", 1], ["a"], ["s1"])
    anywhere = to_rooms(THEIRS, "write", [1], (), ())
    assert opened(anywhere, OURS) == Envelope("write", [1], [], [])


@pytest.mark.parametrize(
    "value", [to_all(OURS, "write", ["own"]), {"id": THEIRS}, {"type": ""}, {"type": None}]
)
def test_what_is_our_own_or_has_no_type_is_nothing(value: Any) -> None:
    assert opened(value, OURS) is None


@pytest.mark.parametrize(
    "change",
    [
        {"type": "other"},
        {"type": "room"},
        {"type": 5},
        {"data": "text"},
        {"data": []},
        {"opts": None},
        {"opts": {}},
        {"opts": {"method": 5}},
        {"opts": {"method": "destroy"}},
        {"opts": {"method": "__init__"}},
    ],
)
def test_what_is_no_envelope_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        opened({**to_all(THEIRS, "write", ["hi"]), **change}, OURS)


@pytest.mark.parametrize("value", [None, [], "text", 5, [("type", "primus")]])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(Unusable, match="is no envelope"):
        opened(value, OURS)


def test_only_texts_name_rooms_and_sparks() -> None:
    value = to_rooms(THEIRS, "write", [1], ["a", 5, None, ["b"]], ["s", {}, 7])  # type: ignore[list-item]
    assert opened(value, OURS) == Envelope("write", [1], ["a"], ["s"])


# -- options


def test_what_is_not_said_is_as_in_node() -> None:
    redis = "redis://localhost:6379"
    assert shared({}) == Shared(redis, "primus-cluster:", "primus-cluster:pubsub", 86_400)
    assert shared({"prefix": ""}).channel == "pubsub"
    assert channel("redis", {}) == channel("redis", redis) == Channel(redis, "primus")


@pytest.mark.parametrize("ttl", [1, 365 * 86_400])
def test_a_time_to_live_may_be_as_short_or_long(ttl: int) -> None:
    assert shared({"ttl": ttl}).ttl == ttl


@pytest.mark.parametrize("ttl", [0, -1, 365 * 86_400 + 1, True, 1.5, "5", None])
def test_a_time_to_live_that_cannot_work_is_refused(ttl: Any) -> None:
    with pytest.raises(OptionError, match="ttl="):
        shared({"ttl": ttl})


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("redis://h:1", "redis://h:1"),
        ("rediss://h", "rediss://h"),
        ("unix:///run/s", "unix:///run/s"),
        ("valkey://h", "redis://h"),
        ("valkeys://h", "rediss://h"),
    ],
)
def test_the_schemes_of_a_url(url: str, taken: str) -> None:
    assert shared({"redis": url}).url == channel("redis", {"url": url}).url == taken


@pytest.mark.parametrize("url", ["", "localhost", "redis", "redis:h", "http://h", "://h", 5, None])
def test_what_is_no_url_of_a_redis_is_refused(url: Any) -> None:
    for check in (lambda: shared({"redis": url}), lambda: channel("redis", {"url": url})):
        with pytest.raises(OptionError, match="must be a URL such as"):
            check()


@pytest.mark.parametrize("name", ["", "a*", 5, None])
def test_a_channel_is_one_channel(name: Any) -> None:
    for check in (lambda: shared({"channel": name}), lambda: channel("redis", {"channel": name})):
        with pytest.raises(OptionError, match="must be a text without"):
            check()


@pytest.mark.parametrize("prefix", ["a*", 5])
def test_a_prefix_that_cannot_work_is_refused(prefix: Any) -> None:
    with pytest.raises(OptionError, match="must be a text without"):
        shared({"prefix": prefix})


@pytest.mark.parametrize("value", [None, 5, ["redis"], {"radish": "x"}])
def test_an_option_is_a_mapping_of_what_is_known(value: Any) -> None:
    with pytest.raises(OptionError, match="must be a mapping with any of redis, prefix"):
        shared(value)
    with pytest.raises(OptionError, match="must be a mapping with any of url, channel"):
        channel("redis", value)


# -- codecs


class Later:
    """A parser whose every answer comes later."""

    def encode(self, value: Any) -> Any:
        """Later."""
        return self.never()

    decode = encode

    async def never(self) -> None:
        """Not even then."""
        raise AssertionError


class Bytes:
    """A parser of binary frames."""

    binary = True

    def encode(self, value: Any) -> bytes:
        """Bytes."""
        return bytes(value)

    def decode(self, frame: Any) -> list[int]:
        """Numbers."""
        assert isinstance(frame, bytes)
        return list(frame)


def test_other_servers_need_an_answer_of_the_parser_now() -> None:
    with pytest.raises(ParserError, match="need a parser that is not async"):
        encoded(Later(), 1)  # type: ignore[arg-type]
    with pytest.raises(Unusable, match="the parser of this server is async"):
        decoded(Later(), b"1")  # type: ignore[arg-type]


def test_what_the_parser_has_no_form_for_is_not_published() -> None:
    with pytest.raises(ParserError, match="cannot be encoded"):
        encoded(JSONParser(), object())


def test_text_is_decoded_from_utf8_and_binary_as_it_is() -> None:
    assert decoded(JSONParser(), '"é"'.encode()) == "é"
    assert encoded(Bytes(), [1, 2]) == b"\x01\x02"  # type: ignore[arg-type]
    assert decoded(Bytes(), b"\x01\x02") == [1, 2]  # type: ignore[arg-type]
    with pytest.raises(UnicodeDecodeError):
        text_of(b"\xff")


# -- a server whose Redis is not there


def alone(make_primus: MakePrimus, plugin: str, **options: Any) -> tuple[Any, list[Any]]:
    """A server, and what it publishes."""
    primus = make_primus(plugin, cluster={"redis": "unix:///nowhere/at/all"}, **options)
    published: list[Any] = []
    primus.cluster.relay.publish = lambda name, frame: published.append(json.loads(frame))
    return primus, published


def take(primus: Any, envelope: dict[str, Any]) -> None:
    primus.cluster._take("primus-cluster:pubsub", json.dumps(envelope).encode())


async def test_a_message_goes_to_all_here_and_to_the_other_servers(make_primus: MakePrimus) -> None:
    primus, published = alone(make_primus, "cluster")
    spark, wire = join(primus)
    primus.write("hi")
    primus.write("only here", to=[spark])
    assert wire.sent == ['"hi"', '"only here"']
    assert [(each["type"], each["data"]) for each in published] == [("primus", ["hi"])]


async def test_an_event_with_a_callback_stays_here(make_primus: MakePrimus) -> None:
    primus, published = alone(make_primus, "emitter, cluster")
    spark, wire = join(primus)
    primus.send("news", 1)
    primus.send("asks", lambda answer: None)
    primus.send("to some", to=[spark])
    assert [json.loads(frame)["data"] for frame in wire.sent] == [
        ["news", 1],
        ["asks"],
        ["to some"],
    ]
    assert [each["data"] for each in published] == [["news", 1]]


async def test_what_another_server_sends_reaches_all_sparks_here_and_no_other_server(
    make_primus: MakePrimus,
) -> None:
    primus, published = alone(make_primus, "emitter, cluster")
    _, wire = join(primus)
    take(primus, to_all(THEIRS, "write", ["hi", "ignored"]))
    take(primus, to_all(THEIRS, "send", ["news", 1]))
    assert wire.sent == ['"hi"', '{"type":0,"data":["news",1]}']
    assert published == []


async def test_an_event_needs_a_name_and_the_emitter(make_primus: MakePrimus) -> None:
    primus, _ = alone(make_primus, "emitter, cluster")
    with pytest.raises(Unusable, match="an event without a name"):
        take(primus, to_all(THEIRS, "send", [5]))
    primus, _ = alone(make_primus, "cluster")
    with pytest.raises(Unusable, match="the plugin 'emitter' is not in use"):
        take(primus, to_all(THEIRS, "send", ["news"]))


async def test_without_rooms_what_is_for_them_reaches_nothing(make_primus: MakePrimus) -> None:
    primus, _ = alone(make_primus, "cluster")
    _, wire = join(primus)
    take(primus, to_rooms(THEIRS, "write", ["hi"], ["news"], []))
    assert wire.sent == []


async def test_rooms_get_back_what_they_had_when_the_server_leaves(make_primus: MakePrimus) -> None:
    primus, _ = alone(make_primus, "rooms, cluster")
    before = len(primus.rooms.carriers)
    assert primus.cluster._to_rooms in primus.rooms.carriers
    primus.rooms.carriers += (print,)
    primus.cluster.leave()
    assert primus.rooms.carriers[-1] is print
    assert len(primus.rooms.carriers) == before


# -- a relay, which has not begun


def relay(url: str = "redis://user:secret@host/1", taken: Any = None, **more: Any) -> Relay:
    options = SimpleNamespace(clock=ManualClock(), max_length=100)
    primus: Any = SimpleNamespace(log=logging.getLogger("primus.server"), options=options)
    return Relay(primus, "cluster", url, "talk", taken or (lambda channel, payload: None), **more)


def test_a_relay_does_not_show_the_password_of_its_redis() -> None:
    assert repr(relay()) == "<Relay cluster redis://host>"
    assert repr(relay("unix:///run/s")) == "<Relay cluster unix:///run/s>"


def test_what_is_published_is_as_long_as_a_message_may_be() -> None:
    longest = 100 + DEFAULT_RELAY_LIMITS.head
    made = relay()
    made.publish("talk", b"x" * longest)
    made.publish("talk", "x" * longest)
    for payload in (b"x" * (longest + 1), "x" * (longest + 1), "é" * (longest // 2 + 1)):
        with pytest.raises(PrimusError, match="longer than max_length"):
            made.publish("talk", payload)
    assert [payload for _, payload in made._waiting.first(10)] == [b"x" * longest] * 2


def test_what_was_published_and_is_too_long_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    longest = 100 + DEFAULT_RELAY_LIMITS.head
    seen: list[Any] = []
    made = relay(taken=lambda channel, payload: seen.append((channel, len(payload))))
    made._taken(b"talk", b"x" * longest)
    made._taken(b"talk", b"x" * (longest + 1))
    assert seen == [("talk", longest)]
    assert "bytes are longer than max_length" in caplog.text


def test_what_cannot_be_used_is_told_in_so_many_lines(caplog: pytest.LogCaptureFixture) -> None:
    def take(channel: str, payload: bytes) -> None:
        raise Unusable("no envelope")

    made = relay(taken=take)
    for _ in range(1000):
        made._taken(b"talk", b"x")
    assert 0 < len(caplog.records) < 100


def test_what_a_server_hears_itself_waits_until_it_is_known_to_hear() -> None:
    made, other = relay(hears_itself=True), relay()
    made._hears.set()

    for each in (made, other):
        each._fails("speaking", OSError("no way"))
        each._works("speaking")
    assert not made._hears.is_set()
    assert other._hears.is_set()

    made._works("listening")
    assert made._hears.is_set()


def test_an_outage_is_told_at_its_beginning_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    made = relay()
    made._works("speaking")
    assert made.is_away is False
    made._fails("speaking", OSError("no way"))
    made._fails("listening", OSError("no way"))
    made._fails("speaking", OSError("no way"))
    assert made.is_away is True
    assert len(caplog.records) == 1
    made._works("speaking")
    assert made.is_away is True
    made._works("listening")
    made._works("listening")
    assert made.is_away is False
    made._fails("speaking", OSError("no way"))
    made._works("speaking")
    assert made.is_away is True  # what cut one connection may have cut the other
    made._works("listening")
    assert made.is_away is False
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2
