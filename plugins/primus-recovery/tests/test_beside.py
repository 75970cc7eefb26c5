"""Recovery beside plugins that have something of their own on each connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from primus import Unauthorized
from primus_emit import AckLost
from primus_testing import Recorder, eventually


def lose_what_is_sent(socket: Any) -> None:
    """From now on nothing that either side sends arrives; neither knows."""
    wire = socket._transport
    wire.other.other = wire.other = None


async def come_back(cluster: Any, socket: Any, spark: Any, primus: Any) -> Any:
    """Let a client lose its connection and come back; its new spark."""
    cluster.cut(socket)
    spark.abort()
    await cluster.back(socket, primus)
    (spark,) = primus
    return spark


async def test_a_message_of_a_stream_is_counted_once(cluster: Any) -> None:
    one = await cluster.server(plugin="rooms, backplane, recovery, substream")
    socket = await cluster.socket(one)
    (spark,) = one
    heard = Recorder(socket.substream("chat"), "data")
    stream = spark.substream("chat")
    for number in range(3):
        stream.write(number)
    await cluster.turns()
    lose_what_is_sent(socket)
    for number in range(5):
        spark.write(number)

    await come_back(cluster, socket, spark, one)

    assert len(heard.seen("data")) == 3
    assert [message for message, _ in socket.story.seen("data")] == [*range(5)]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 5}


async def test_what_is_sent_again_to_a_channel_comes_behind_its_subscription(cluster: Any) -> None:
    one = await cluster.server(plugin="rooms, backplane, recovery, multiplex")
    heard: list[Any] = []
    news = one.channel("news")
    news.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(one)
    (spark,) = one
    channel = socket.channel("news")
    channel.write("one")
    await cluster.turns()
    lose_what_is_sent(socket)
    channel.write("two")

    await come_back(cluster, socket, spark, one)
    channel.write("three")
    await cluster.turns()
    assert heard == ["one", "two", "three"]
    (spark,) = one
    lose_what_is_sent(socket)
    channel.write("four")

    await come_back(cluster, socket, spark, one)
    await cluster.turns()
    assert heard == ["one", "two", "three", "four"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 0}
    assert len(news) == 1


@pytest.mark.parametrize("decided", ["admitted", "refused", "not yet"])
async def test_what_waits_for_the_authorization_of_its_channel_is_told_to_be_lost(
    cluster: Any, decided: str
) -> None:
    one = await cluster.server(plugin="rooms, backplane, recovery, multiplex")
    heard: list[Any] = []
    go = asyncio.Event()
    news = one.channel("news")

    @news.authorize
    async def authorize(spark: Any) -> None:
        await go.wait()
        if decided == "refused":
            raise Unauthorized("a token, please")

    news.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(one)
    (spark,) = one
    channel = socket.channel("news")
    channel.on("error", lambda error: None)
    channel.write("one")
    await cluster.turns()
    if decided != "not yet":
        go.set()
        await cluster.turns()

    await come_back(cluster, socket, spark, one)

    assert heard == (["one"] if decided == "admitted" else [])
    assert socket.recovered["session"] is (decided != "not yet")
    go.set()


async def test_an_acknowledgement_that_comes_late_answers_no_question_of_the_next_connection(
    cluster: Any,
) -> None:
    one = await cluster.server(plugin="rooms, backplane, recovery, emitter")
    socket = await cluster.socket(one)
    (spark,) = one
    go = asyncio.Event()

    @socket.on("first")
    async def first() -> str:
        await go.wait()
        return "the first answer"

    socket.on("second", lambda: "the second answer")
    lose_what_is_sent(socket)
    asking = asyncio.create_task(spark.ask("first"))
    await cluster.turns()

    spark = await come_back(cluster, socket, spark, one)
    with pytest.raises(AckLost):
        await asking
    asking = asyncio.create_task(spark.ask("second"))
    await cluster.turns()
    go.set()

    assert await asking == "the second answer"


async def test_messages_wait_for_the_session_although_mirage_has_another_id(cluster: Any) -> None:
    plugins = "rooms, backplane, recovery, mirage, emit"
    one = await cluster.server(plugin=plugins, recovery_user=lambda spark: "me")
    heard: list[Any] = []
    one.on("connection", lambda spark: spark.on("data", heard.append))
    one.mirage.validator(lambda spark: f"{spark.mirage}x")
    socket = await cluster.socket(one)
    (spark,) = one
    await eventually(lambda: socket.mirage)
    lose_what_is_sent(socket)
    socket.write("one")
    cluster.cut(socket)
    socket.write("two")

    spark.abort()
    await cluster.back(socket, one)

    await eventually(lambda: heard == ["one", "two"] or len(heard) > 1)
    assert heard == ["one", "two"]
    assert socket.mirage.endswith("x")
