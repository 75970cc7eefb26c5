"""The order of layers, the seats of requests, and the one timer of all heartbeats."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from primus import OptionError, Primus, Request, Response
from primus.errors import ServerFullError
from primus.http import Address, Passage
from primus.layer import Layer
from primus.limits import DEFAULT_LIMITS
from primus.server.layers import Layers
from primus.server.seats import Seats
from primus_testing import ManualClock, Recorder, join, make_request


def layered(*names: str) -> Layers:
    layers = Layers()
    for name in names:
        layers.add(Layer(name, lambda request: None))
    return layers


def names(layers: Layers) -> str:
    return "".join(layer.name for layer in layers)


@pytest.mark.parametrize(
    ("index", "before", "order"),
    [
        (None, None, "abx"),
        (0, None, "xab"),
        (1, None, "axb"),
        (2, None, "abx"),
        (99, None, "abx"),
        (-1, None, "abx"),
        (None, "b", "axb"),
        (0, "b", "axb"),
    ],
)
def test_a_layer_goes_where_it_was_asked_for(
    index: int | None, before: str | None, order: str
) -> None:
    layers = layered("a", "b")
    layers.add(Layer("x", print, before=before), index)
    assert names(layers) == order
    assert "x" in layers
    assert "y" not in layers
    assert len(layers) == 3


def test_a_layer_takes_the_place_of_that_of_its_name() -> None:
    layers = layered("a", "b", "c")
    layers.add(Layer("b", print, before="a"), 0)
    assert names(layers) == "abc"


def test_layers_that_cannot_work_are_refused_and_change_nothing() -> None:
    layers = layered("a")
    with pytest.raises(OptionError, match="must be a function"):
        layers.add(Layer("x", None))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="there is no layer 'y'"):
        layers.add(Layer("x", print, before="y"))
    assert names(layers) == "a"


@pytest.mark.parametrize("upgrade", [False, True])
def test_a_layer_that_is_switched_off_sees_nothing(upgrade: bool) -> None:
    asked: list[Any] = []
    layers = Layers()
    layers.add(Layer("a", asked.append))
    request = make_request(detach=Mock() if upgrade else None)
    assert request.upgrade is upgrade
    for is_on in (True, False, True):
        layers.switch("a", is_on)
        layers.run(request)
    assert asked == [request, request]


def test_layers_are_removed_and_switched_by_name() -> None:
    layers = layered("a", "b")
    kept = layers.snapshot()
    assert layers.switch("a", False)
    assert layers.remove("b")
    assert not layers.remove("b")
    assert not layers.switch("b", True)
    assert [(layer.name, layer.enabled) for layer in layers] == [("a", False)]
    layers.restore(kept)
    assert [(layer.name, layer.enabled) for layer in layers] == [("a", True), ("b", True)]


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_first_answer_counts_and_layers_see_what_is_for_them(is_async: bool) -> None:
    asked: list[str] = []

    def layer(name: str, answer: Any = None, **options: Any) -> Layer:
        def plain(request: Any) -> Any:
            asked.append(name)
            return answer

        async def later(request: Any) -> Any:
            return plain(request)

        return Layer(name, later if is_async else plain, **options)

    layers = Layers()
    layers.add(layer("off", Response(200), enabled=False))
    layers.add(layer("upgrades", Response(201), http=False))
    layers.add(layer("first"))
    layers.add(layer("second", Response(202)))
    layers.add(layer("third", Response(203)))

    outcome: Any = layers.run(make_request())
    response = await outcome if is_async else outcome
    assert (response.status, asked) == (202, ["first", "second"])
    layers.remove("second")
    layers.remove("third")
    outcome = layers.run(make_request())
    assert (await outcome if is_async else outcome) is None
    layers.add(layer("odd", "text"))
    with pytest.raises(TypeError, match="must return a Response or None, not 'text'"):
        await layers.run(make_request()) if is_async else layers.run(make_request())  # type: ignore[misc]


class Talk:
    """Requests of one connection, whose headers are the same."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.passage: Passage | None = Passage()

    def request(self, target: str = "/primus/", **options: Any) -> Request:
        """A request that has been looked at; an answer is what `response` has then."""
        request = make_request(target, **options)
        request.passage = self.passage
        self.response: Any = self.layers.run(request)
        return request


def noting(asked: list[str], name: str, answer: Any = None) -> Any:
    def fn(request: Request) -> Any:
        asked.append(name)
        request.response_headers.add("Vary", name)
        request.secure = True
        request.address = Address("10.0.0.1")
        return answer

    return fn


def test_layers_that_go_by_the_head_see_no_request_that_is_as_the_last() -> None:
    asked: list[str] = []
    layers = Layers()
    layers.add(Layer("a", noting(asked, "a"), by_head=True))
    layers.add(Layer("b", noting(asked, "b")))
    layers.add(Layer("c", noting(asked, "c"), by_head=True))  # behind one that might answer
    talk = Talk(layers)

    for target in ("/primus/", "/primus/?t=2"):
        request = talk.request(target)
        assert request.response_headers.getall("Vary") == ["a", "b", "c"]
        assert (request.secure, request.address) == (True, Address("10.0.0.1"))
    assert asked == ["a", "b", "c", "b", "c"]


@pytest.mark.parametrize(
    "other",
    [
        lambda talk: talk.request("/primus/x"),
        lambda talk: talk.request(method="POST"),
        lambda talk: setattr(talk, "passage", Passage()) or talk.request(),
        lambda talk: setattr(talk, "passage", None) or talk.request(),
        lambda talk: talk.layers.add(Layer("x", print)) or talk.request(),
        lambda talk: talk.request(detach=lambda: None),
    ],
    ids=["path", "method", "headers", "unknown headers", "layers", "an upgrade"],
)
def test_layers_that_go_by_the_head_see_what_is_not_as_the_last(other: Any) -> None:
    asked: list[str] = []
    layers = Layers()
    layers.add(Layer("a", noting(asked, "a"), by_head=True))
    talk = Talk(layers)
    talk.request()
    talk.request()
    assert asked == ["a"]

    request = other(talk)
    assert asked == ["a", "a"]
    assert request.response_headers.getall("Vary") == ["a"]


def test_what_a_layer_has_answered_it_answers_again() -> None:
    asked: list[str] = []
    layers = Layers()
    layers.add(Layer("a", noting(asked, "a"), by_head=True))
    layers.add(Layer("b", noting(asked, "b", Response(403)), by_head=True))
    layers.add(Layer("c", noting(asked, "c")))
    talk = Talk(layers)
    for _ in range(2):
        talk.request()
        assert talk.response.status == 403
    assert asked == ["a", "b", "a", "b"]


@pytest.mark.parametrize("answer", [None, Response(403)])
async def test_a_layer_that_goes_by_the_head_is_asked_again_when_it_is_async(answer: Any) -> None:
    asked: list[str] = []

    async def fn(request: Request) -> Any:
        asked.append("b")
        return answer

    layers = Layers()
    layers.add(Layer("a", noting(asked, "a"), by_head=True))
    layers.add(Layer("b", fn, by_head=True))
    layers.add(Layer("c", noting(asked, "c")))
    talk = Talk(layers)
    rest = [] if answer else ["c"]
    for _ in range(2):
        talk.request()
        assert await talk.response is answer
    assert asked == ["a", "b", *rest, "a", "b", *rest]


def seats(most: int | None, connected: list[int], clock: ManualClock) -> Seats:
    limits = replace(DEFAULT_LIMITS, max_sparks=most)
    return Seats(limits, lambda: len(connected), clock, logging.getLogger("primus.server"))


def test_requests_that_are_decided_about_and_connections_have_so_many_seats(
    manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    connected: list[int] = []
    taken = seats(2, connected, manual_clock)
    one, two, three = make_request(), make_request(), make_request()
    assert taken.take(one)
    assert taken.take(two)
    assert not taken.take(three)
    taken.admit(one)
    connected.append(1)
    assert not taken.take(three)
    taken.leave(two)
    taken.leave(two)
    assert taken.take(three)
    with pytest.raises(ServerFullError, match="has its 2 connections"):
        taken.admit(two)
    assert len(caplog.records) == 1
    manual_clock.advance(DEFAULT_LIMITS.warning_interval - 1)
    taken.take(two)
    assert len(caplog.records) == 1
    manual_clock.advance(1)
    taken.take(two)
    assert len(caplog.records) == 2


def test_a_connection_without_a_seat_takes_one_that_is_left(manual_clock: ManualClock) -> None:
    connected: list[int] = []
    taken = seats(1, connected, manual_clock)
    taken.admit(make_request())
    taken.admit(make_request())  # the seat was given back: the connection is counted by itself
    connected.append(1)
    with pytest.raises(ServerFullError):
        taken.admit(make_request())
    unlimited = seats(None, [1] * 1000, manual_clock)
    assert unlimited.take(make_request())


async def test_a_spark_that_is_silent_is_ended_once_and_watched_no_longer(
    manual_clock: ManualClock, make_primus: Any
) -> None:
    primus: Primus = make_primus(timeout=20, ping_interval=10)
    spark, wire = join(primus)
    other, other_wire = join(primus)
    ended = Recorder(spark, "end")
    manual_clock.advance(11)
    assert len(wire.sent) == 1
    other_wire.receive('"primus::pong::1"')
    manual_clock.advance(10)
    other_wire.receive('"primus::pong::1"')
    manual_clock.advance(11)

    assert ended.story == ["end"]
    assert spark.closed is not None
    assert spark.closed.option == "timeout"
    assert other.ready_state == other.OPEN
    await primus.destroy()
    assert manual_clock.pending == 0
