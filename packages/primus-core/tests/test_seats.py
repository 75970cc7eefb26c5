"""The option ``max_sparks``: how many connections a server takes."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus, Response
from primus.errors import ServerFullError
from primus.http import HandOver, Request
from primus_testing import ManualClock, MemoryTransformer, MemoryTransport, join
from primus_testing.requests import make_request

MakePrimus = Callable[..., Primus]


class Opening(MemoryTransformer):
    """Makes a connection of every request, and says so of upgrades only."""

    async def request(self, request: Request) -> Response:
        self.primus.accept(MemoryTransport(), request)
        return Response(200)

    async def upgrade(self, request: Request) -> Response | None:
        self.primus.accept(MemoryTransport(), request)
        return None


def opening() -> Request:
    def detach() -> HandOver:
        raise AssertionError("nothing is handed over here")

    return make_request(detach=detach)


async def status(primus: Primus, request: Request) -> int | None:
    answer = await primus.handle(request)
    return None if answer is None else answer.status


def test_there_is_no_limit_by_default(primus: Primus) -> None:
    for _ in range(3):
        join(primus)

    assert primus.limits.max_sparks is None
    assert primus.connected == 3


async def test_a_transformer_cannot_walk_around_the_limit(make_primus: MakePrimus) -> None:
    primus = make_primus(transformer=Opening, max_sparks=2)

    answers = [await status(primus, make_request()) for _ in range(4)]

    assert answers == [200, 200, 503, 503]
    assert primus.connected == 2
    with pytest.raises(ServerFullError, match="max_sparks"):
        join(primus)


async def test_requests_that_open_nothing_are_served_by_a_full_server(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Opening, max_sparks=1)
    join(primus)

    assert await status(primus, make_request("/primus/spec")) == 200
    assert await status(primus, opening()) == 503


async def test_a_layer_that_raises_gives_its_place_back(
    make_primus: MakePrimus, tracebacks: Any
) -> None:
    primus = make_primus(transformer=Opening, max_sparks=1)
    tracebacks.expect("a middleware layer raised")
    primus.before("broken", lambda request: 1 / 0, http=False)  # type: ignore[arg-type,return-value]

    assert await status(primus, opening()) == 500
    primus.remove("broken")
    assert await status(primus, opening()) is None
    assert primus.connected == 1


async def test_requests_that_are_being_decided_about_count(make_primus: MakePrimus) -> None:
    primus = make_primus(transformer=Opening, max_sparks=1)
    deciding = asyncio.Event()

    async def decide(request: Request) -> None:
        await deciding.wait()

    primus.before("decide", decide)
    first = asyncio.ensure_future(status(primus, opening()))
    await asyncio.sleep(0)

    assert await status(primus, opening()) == 503
    deciding.set()
    assert await first is None
    assert primus.connected == 1


async def test_a_full_server_says_so_once_a_minute(
    make_primus: MakePrimus, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus(transformer=Opening, max_sparks=1, timeout=None)
    join(primus)

    def warnings() -> int:
        found = [record for record in caplog.records if "max_sparks=1" in record.getMessage()]
        assert {record.levelno for record in found} <= {logging.WARNING}
        return len(found)

    assert warnings() == 0
    for _ in range(3):
        await status(primus, opening())
    assert warnings() == 1
    manual_clock.advance(59)
    await status(primus, opening())
    assert warnings() == 1
    manual_clock.advance(1)
    await status(primus, opening())
    assert warnings() == 2
