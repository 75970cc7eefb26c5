"""The plugin on the Python client, which may lose its connection and come back."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from primus_responder import ResponseLost, ResponseTimeout
from primus_testing import eventually
from primus_testing.clients import comes_back, cut
from primus_testing.plugin import MakeSocket

PLUGIN = "responder"


@pytest_asyncio.fixture
async def socket(primus: Any, make_socket: MakeSocket) -> Any:
    """A client that is open; its requests are not answered."""
    primus.on("connection", silent)
    return await make_socket().opened()


def doubling(spark: Any) -> None:
    spark.on("request", lambda number: number * 2)


def silent(spark: Any) -> None:
    spark.on("request", lambda data, done: None)


async def test_requests_go_both_ways_and_from_within_a_listener(
    primus: Any, make_socket: Any
) -> None:
    @primus.on("connection")
    def connection(spark: Any) -> None:
        @spark.on("request")
        async def request(data: Any) -> Any:
            return {"you said": data, "you are": await spark.write_and_wait("name?")}

    socket = make_socket()
    socket.on("request", lambda data: f"{data} me")

    assert await socket.write_and_wait("hello") == {"you said": "hello", "you are": "name? me"}


async def test_a_listener_of_a_socket_may_wait_although_messages_wait_for_it(
    primus: Any, make_socket: Any
) -> None:
    primus.on("connection", doubling)
    socket = make_socket()
    story: list[Any] = []

    @socket.on("data")
    async def data(message: Any) -> None:
        story.append(message)
        story.append(await socket.write_and_wait(message))

    await socket.opened()
    (spark,) = primus
    for number in (1, 2):
        spark.write(number)

    await eventually(lambda: len(story) == 4)
    assert story == [1, 2, 2, 4]


async def test_what_was_sent_over_a_connection_that_goes_fails(primus: Any, socket: Any) -> None:
    asking = asyncio.create_task(socket.write_and_wait(1, timeout=None))
    await eventually(lambda: len(socket.responses))

    await cut(primus, socket)

    with pytest.raises(ResponseLost):
        await asking


async def test_what_is_asked_while_it_is_away_is_answered_when_it_is_back(
    primus: Any, socket: Any
) -> None:
    primus.off("connection", silent)
    primus.on("connection", doubling)
    await cut(primus, socket)

    asking = asyncio.create_task(socket.write_and_wait(21))
    await comes_back(socket)

    assert await asking == 42


async def test_a_response_is_not_sent_over_the_next_connection(primus: Any, socket: Any) -> None:
    kept: list[Any] = []
    socket.on("request", lambda data, done: kept.append(done))
    (spark,) = primus
    asking = asyncio.create_task(spark.write_and_wait("name?"))
    await eventually(lambda: kept)
    await cut(primus, socket)
    with pytest.raises(ResponseLost):
        await asking
    frames: list[str] = []
    primus.on("connection", lambda spark: spark.on("incoming::data", frames.append))
    await comes_back(socket)

    assert kept[0]("late") is False
    await socket.id()

    assert [json.loads(frame) for frame in frames if "responseId" in frame] == []


@pytest.mark.parametrize("end", ["end", "destroy"])
async def test_the_end_of_the_socket_fails_the_caller(socket: Any, end: str) -> None:
    asking = asyncio.create_task(socket.write_and_wait(1))
    await eventually(lambda: len(socket.responses))

    getattr(socket, end)()

    with pytest.raises(ResponseLost):
        await asking
    with pytest.raises(ResponseLost, match="was not sent"):
        await socket.write_and_wait(1)


async def test_the_timeout_is_an_option_of_the_socket(primus: Any, make_socket: Any) -> None:
    primus.on("connection", silent)
    socket = await make_socket(responder_timeout=2.5).opened()
    asking = asyncio.create_task(socket.write_and_wait(1))
    await eventually(lambda: len(socket.responses))

    socket.options.clock.advance(2.5)

    with pytest.raises(ResponseTimeout):
        await asking
