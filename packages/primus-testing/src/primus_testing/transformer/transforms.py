"""Transforms on the server, sync and async, in both directions."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from primus.errors import OptionError, TransformError
from primus.pipeline import Packet
from primus.server.spark import Spark
from primus_testing.recorder import Recorder
from primus_testing.transformer.base import Contract, Serve, echo, meet

__all__ = ["TransformsContract"]


class TransformsContract(Contract):
    """Messages change on their way, or go no further."""

    async def test_a_direction_that_does_not_exist_is_refused(self, serve: Serve) -> None:
        server = await serve()
        with pytest.raises(OptionError, match='"incoming" or "outgoing", not \'cowsack\''):
            server.primus.transform("cowsack", print)  # type: ignore[call-overload]

    async def test_an_outgoing_transform_rewrites_messages(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.transform("outgoing")
        def wrap(packet: Packet, spark: Spark) -> None:
            packet.data = {"message": packet.data, "id": spark.id}

        met = await meet(server)
        met.spark.write("foo")
        assert await met.peer.receive() == f'{{"message":"foo","id":"{met.spark.id}"}}'

    async def test_an_async_outgoing_transform_rewrites_messages_in_order(
        self, serve: Serve
    ) -> None:
        server = await serve()

        @server.primus.transform("outgoing")
        async def wrap(packet: Packet, spark: Spark) -> None:
            for _ in range(3 - packet.data):
                await asyncio.sleep(0)
            packet.data = [packet.data]

        met = await meet(server)
        for number in range(3):
            met.spark.write(number)
        assert [await met.peer.receive() for _ in range(3)] == ["[0]", "[1]", "[2]"]

    async def test_an_outgoing_transform_swallows_messages(self, serve: Serve) -> None:
        server = await serve()
        server.primus.transform("outgoing", lambda packet, spark: packet.data != "secret")
        met = await meet(server)
        frames = Recorder(met.spark, "outgoing::data")
        met.spark.write("secret")
        met.spark.write("public")
        assert await met.peer.receive() == '"public"'
        assert frames.seen("outgoing::data") == [('"public"',)]

    async def test_an_async_outgoing_transform_swallows_messages(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.transform("outgoing")
        async def keep(packet: Packet, spark: Spark) -> bool:
            await asyncio.sleep(0)
            return bool(packet.data != "secret")

        met = await meet(server)
        met.spark.write("secret")
        met.spark.write("public")
        assert await met.peer.receive() == '"public"'

    async def test_an_incoming_transform_rewrites_messages(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.transform("incoming")
        def wrap(packet: Packet, spark: Spark) -> None:
            assert packet.raw == '"foo"'
            packet.data = {"message": packet.data, "meta": "meta"}

        met = await meet(server)
        met.peer.send('"foo"')
        assert await met.events.one("data") == {"message": "foo", "meta": "meta"}

    async def test_an_async_incoming_transform_rewrites_messages_in_order(
        self, serve: Serve
    ) -> None:
        server = await serve()

        @server.primus.transform("incoming")
        async def wrap(packet: Packet, spark: Spark) -> None:
            for _ in range(3 - packet.data):
                await asyncio.sleep(0)
            packet.data = [packet.data]

        met = await meet(server)
        met.peer.send("0", "1", "2")
        assert [await met.events.one("data") for _ in range(3)] == [[0], [1], [2]]

    async def test_an_incoming_transform_swallows_messages(self, serve: Serve) -> None:
        server = await serve()
        server.primus.transform("incoming", lambda packet, spark: packet.data != "secret")
        met = await meet(server)
        met.peer.send('"secret"', '"public"')
        assert await met.events.one("data") == "public"

    async def test_an_async_incoming_transform_swallows_messages(self, serve: Serve) -> None:
        server = await serve()

        @server.primus.transform("incoming")
        async def keep(packet: Packet, spark: Spark) -> bool:
            await asyncio.sleep(0)
            return bool(packet.data != "secret")

        met = await meet(server)
        met.peer.send('"secret"', '"public"')
        assert await met.events.one("data") == "public"

    async def test_transforms_run_in_the_order_of_their_adding(self, serve: Serve) -> None:
        server = await serve()

        async def first(packet: Packet, spark: Spark) -> None:
            packet.data += "1"

        def second(packet: Packet, spark: Spark) -> None:
            packet.data += "2"

        for direction in ("incoming", "outgoing"):
            server.primus.transform(direction, first)
            server.primus.transform(direction, second)
        echo(server.primus)
        peer = await server.peer()
        peer.send('"0"')
        assert await peer.receive() == '"01212"'

    async def test_a_transform_that_raises_swallows_its_message_and_is_reported(
        self, serve: Serve
    ) -> None:
        server = await serve()

        @server.primus.transform("incoming")
        def fussy(packet: Packet, spark: Spark) -> None:
            packet.data = packet.data["key"]

        met = await meet(server)
        met.peer.send("null", '{"key":1}')
        error = await met.events.one("error")
        assert isinstance(error, TransformError)
        assert isinstance(error.__cause__, TypeError)
        assert await met.events.one("data") == 1

    async def test_no_transform_sees_control_messages(self, serve: Serve) -> None:
        server = await serve()
        seen: list[Any] = []
        server.primus.transform("incoming", lambda packet, _: seen.append(packet.data))
        server.primus.transform("outgoing", lambda packet, _: seen.append(packet.data))
        met = await meet(server)
        met.peer.send('"primus::ping::1"', '"primus::id::"')
        assert await met.peer.receive() == '"primus::pong::1"'
        await met.peer.receive()
        assert seen == []

    async def test_a_last_message_is_not_overtaken_behind_an_async_transform(
        self, serve: Serve
    ) -> None:
        server = await serve()

        @server.primus.transform("outgoing")
        async def slow(packet: Packet, spark: Spark) -> None:
            await asyncio.sleep(0)

        met = await meet(server)
        met.spark.write(1)
        server.primus.write(2)
        met.spark.end(3)
        assert await met.peer.gone() == ["1", "2", "3", '"primus::server::close"']

    async def test_a_broadcast_passes_the_transforms_of_every_spark(self, serve: Serve) -> None:
        server = await serve()
        one, two = await meet(server), await meet(server)
        server.primus.transform("outgoing", lambda _, spark: None if spark is one.spark else False)
        server.primus.write("to one")
        two.peer.send('"primus::ping::1"')
        assert await one.peer.receive() == '"to one"'
        assert await two.peer.receive() == '"primus::pong::1"'
