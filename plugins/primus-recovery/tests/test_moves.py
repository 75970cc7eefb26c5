"""Clients that move on while the bus is away, or before all is settled where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.parse import quote

import pytest

from primus_backplane import BusError
from primus_testing import ManualClock, eventually, join


def data(socket: Any) -> list[Any]:
    """The messages that a client has got."""
    return [message for message, *_ in socket.story.seen("data")]


async def written(cluster: Any, socket: Any, primus: Any, arrives: str, lost: str) -> None:
    """Write a message that arrives, and one that is lost as all that is sent from then on."""
    (spark,) = primus
    spark.write(arrives)
    await cluster.turns()
    wire = socket._transport
    wire.other.other = wire.other = None
    spark.write(lost)


@contextmanager
def bus_away(monkeypatch: pytest.MonkeyPatch, primus: Any) -> Iterator[None]:
    """A block in which a server can ask no other one for a session."""

    async def away(*args: Any) -> Any:
        raise BusError("away")

    with monkeypatch.context() as patch:
        patch.setattr(primus.backplane, "tell", away)
        patch.setattr(primus.backplane.bus, "unpark", away)
        yield


async def move(cluster: Any, clock: ManualClock, socket: Any, primus: Any) -> dict[str, Any]:
    """Cut a client off, and let it come to a server; what it is told there."""
    socket.recovered = None
    if socket._transport is not None:
        cluster.cut(socket)
    cluster.at(primus)
    await cluster.turns()
    clock.advance(0.02)
    await cluster.turns()
    clock.advance(2.0)  # recovery_takeover, where the other does not answer
    await eventually(lambda: socket.recovered)
    await cluster.turns()
    told: dict[str, Any] = socket.recovered
    return told


async def test_what_another_server_still_has_of_a_session_that_did_not_go_on_is_not_taken_for_it(
    cluster: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await cluster.server(), await cluster.server()
    socket = await cluster.socket(one)
    await written(cluster, socket, one, "s0", "s1")
    with bus_away(monkeypatch, two):
        assert (await move(cluster, clock, socket, two))["session"] is False
    await written(cluster, socket, two, "t1", "t2")

    assert (await move(cluster, clock, socket, one))["session"] is True

    assert data(socket) == ["s0", "t1", "t2"]


@pytest.mark.parametrize("is_found", [True, False])
async def test_a_session_that_was_fetched_for_a_client_that_went_meanwhile_goes_on_or_has_ended(
    cluster: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, is_found: bool
) -> None:
    one, two, three = [await cluster.server() for _ in range(3)]
    socket = await cluster.socket(one)
    await written(cluster, socket, one, "s0", "s1")
    await one.destroy(reconnect=True)
    fetched, unpark = asyncio.Event(), two.backplane.bus.unpark

    async def unpark_slowly(key: str) -> Any:
        found = await unpark(key)
        await fetched.wait()
        return found

    monkeypatch.setattr(two.backplane.bus, "unpark", unpark_slowly)
    await cluster.move(socket, two)
    cluster.cut(socket)
    await cluster.turns()
    fetched.set()
    await cluster.turns()

    with nullcontext() if is_found else bus_away(monkeypatch, three):
        assert (await move(cluster, clock, socket, three))["session"] is is_found
    await written(cluster, socket, three, "t1", "t2")
    assert (await move(cluster, clock, socket, two))["session"] is True

    assert data(socket) == (["s0", "s1", "t1", "t2"] if is_found else ["s0", "t1", "t2"])


async def test_a_handshake_that_waited_in_a_server_that_hung_ends_no_session_elsewhere(
    cluster: Any, clock: ManualClock
) -> None:
    hung, two = await cluster.server(), await cluster.server()
    heard: list[Any] = []
    two.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(two)
    brought = quote(socket._comeback._tracker.query)
    await cluster.move(socket, two)

    _, wire = join(hung, f"/primus?_recovery={brought}")
    wire.lose()
    await eventually(lambda: socket.ready_state != socket.OPEN)  # two takes it for the client
    await cluster.turns()
    socket.write("written while it was away")
    assert (await move(cluster, clock, socket, two))["session"] is True

    assert heard == ["written while it was away"]


async def test_a_client_that_goes_again_before_its_next_token_gets_nothing_twice(
    cluster: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await cluster.server(), await cluster.server()
    heard: list[Any] = []
    for primus in (one, two):
        primus.on("connection", lambda spark: spark.on("data", heard.append))
    one.on("connection", lambda spark: spark.join("news"))
    socket = await cluster.socket(one)
    (spark,) = one
    spark.write("s0")
    socket.write("c0")
    await cluster.turns()
    with bus_away(monkeypatch, two):
        cluster.cut(socket)
        cluster.at(two)
        await cluster.turns()
        clock.advance(0.02)
        await eventually(lambda: len(two) == 1)
        await cluster.turns()  # its rooms are waited for, and so is its token

    assert (await move(cluster, clock, socket, one))["session"] is False

    assert (data(socket), heard) == (["s0"], ["c0"])


@pytest.mark.parametrize("is_idle", [True, False])
async def test_a_client_that_goes_again_before_it_has_joined_its_rooms_misses_nothing(
    cluster: Any, clock: ManualClock, is_idle: bool
) -> None:
    clock.advance(1000.0)  # no time of a token is 0
    one, two, three = [await cluster.server() for _ in range(3)]
    for primus in (one, two):
        primus.on("connection", lambda spark: spark.join("news"))
    if not is_idle:
        await cluster.socket(three)
    socket = await cluster.socket(one)
    await cluster.turns()
    cluster.cut(socket)
    two.room("news").write("missed")
    await cluster.turns()
    cluster.at(three)
    clock.advance(0.02)
    await eventually(lambda: len(three) == 2 - is_idle)
    await cluster.turns()

    told = await move(cluster, clock, socket, two)

    assert (told["rooms"], data(socket)) == (True, ["missed"])


async def test_a_client_that_is_back_on_an_idle_server_is_given_the_rooms_it_had_and_nothing_before(
    cluster: Any, clock: ManualClock
) -> None:
    clock.advance(1000.0)
    one, two = await cluster.server(), await cluster.server()
    one.on("connection", lambda spark: spark.join("news"))
    socket = await cluster.socket(one)
    await cluster.turns()
    cluster.cut(socket)
    await cluster.turns()

    _, wire = join(two, f"/primus?_recovery={quote(socket._comeback._tracker.query, safe='')}")
    await eventually(lambda: any("primus::session::1" in frame for frame in wire.sent))

    assert sum("primus::token::" in frame for frame in wire.sent) == 1
    socket.destroy()
