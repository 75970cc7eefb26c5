"""Why a client has ended, where there was no connection that could have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus
from primus_testing import ManualClock, Recorder

DEAD = "http://127.0.0.1:1"


@pytest.mark.asyncio
async def test_a_client_that_ends_before_it_has_begun_to_open_knows_it(primus: Primus) -> None:
    socket = primus.Socket(DEAD)
    told: list[Any] = []
    socket.on("close", told.append)
    socket.on("end", told.append)
    socket.end()
    assert [str(closed) for closed in told] == ["client end: the client closed the connection"] * 2


@pytest.mark.asyncio
async def test_a_server_that_is_not_there_is_unreachable(primus: Primus) -> None:
    socket = primus.Socket(DEAD, strategy="disconnect", network=False)
    seen = Recorder(socket, "error", "end")
    error = await seen.one("error")
    await seen.next("end")
    assert socket.closed is not None
    assert (socket.closed.code, socket.closed.by) == ("unreachable", "network")
    assert socket.closed.reason == str(error)


@pytest.mark.asyncio
async def test_the_end_of_a_client_that_tries_again_is_its_own(primus: Primus) -> None:
    socket = primus.Socket(DEAD, network=False)
    seen = Recorder(socket, "reconnect scheduled")
    await seen.next("reconnect scheduled")
    assert socket.closed is not None
    assert socket.closed.code == "unreachable"
    socket.end()
    assert (socket.closed.code, socket.closed.by) == ("client end", "client")


@pytest.mark.asyncio
async def test_a_machine_that_goes_offline_is_named(primus: Primus) -> None:
    socket = primus.Socket(DEAD, network=False)
    socket._network(False)
    assert socket.closed is not None
    assert (socket.closed.code, socket.closed.by) == ("offline", "network")
    socket.destroy()


async def test_a_server_that_gives_no_sign_of_life_is_named(
    make_primus: Callable[..., Primus], manual_clock: ManualClock
) -> None:
    primus = make_primus()
    socket = primus.Socket("http://memory", clock=manual_clock, network=False, ping=1.0, pong=1.0)
    seen = Recorder(socket, "open", "close")
    await seen.next("open")
    sparks = list(primus)
    for spark in sparks:
        spark._transport.pause_reading()  # its machine has frozen
    manual_clock.advance(5)
    await seen.next("close")
    assert socket.closed is not None
    assert (socket.closed.code, socket.closed.by) == ("heartbeat", "client")
    assert "the server gave no sign of life for" in socket.closed.reason
    socket.destroy()
