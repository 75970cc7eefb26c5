"""The plugins with one another, and with others: nothing is bounced back, as it is in Node."""

from typing import Any

import pytest

from primus_testing import Recorder, join

BOTH = ["emit, emitter", "emitter, emit"]


@pytest.mark.parametrize("plugin", BOTH)
def test_what_one_of_them_receives_the_other_does_not_send_back(
    make_primus: Any, plugin: str
) -> None:
    spark, wire = join(make_primus(plugin))
    events = Recorder(spark, "news", "data")

    wire.receive('{"emit":["news",1]}', '{"type":0,"data":["news",2]}')

    assert events.seen("news") == [(1,), (2,)]
    assert events.story == ["news", "news"]
    assert wire.sent == []


@pytest.mark.parametrize("plugin", BOTH)
def test_each_sends_in_its_own_way(make_primus: Any, plugin: str) -> None:
    spark, wire = join(make_primus(plugin))

    spark.emit("news", 1)
    spark.send("news", 2)

    assert wire.sent == ['{"emit":["news",1]}', '{"type":0,"data":["news",2]}']


@pytest.mark.parametrize("plugin", BOTH)
async def test_both_work_on_a_python_client_at_once(make_primus: Any, plugin: str) -> None:
    primus = make_primus(plugin)

    @primus.on("connection")
    def connection(spark: Any) -> None:
        spark.on("double", lambda number, ack: ack(number * 2))
        spark.on("shout", lambda text: spark.emit("echo", text.upper()))

    socket = primus.Socket("http://memory")
    events = Recorder(socket, "echo")
    socket.emit("shout", "hello")

    assert await socket.ask("double", 21) == 42
    assert await events.one("echo") == "HELLO"
    socket.destroy()


def test_each_can_be_plugged_out_under_the_other(make_primus: Any) -> None:
    primus = make_primus("emit, emitter")
    spark, wire = join(primus)
    events = Recorder(spark, "news", "data")

    primus.plugout("emit")
    wire.receive('{"emit":["news"]}', '{"type":0,"data":["news"]}')

    assert events.story == ["data", "news"]


def test_the_broadcast_variant_leaves_packets_of_emitter_alone(make_primus: Any) -> None:
    primus = make_primus("emitter, emit-broadcast")
    spark, wire = join(primus)
    server = Recorder(primus, "news", "data")
    here = Recorder(spark, "news", "data")

    wire.receive('{"type":0,"data":["news",1]}', '{"emit":["news",2]}')

    assert here.seen("news") == [(1,)]
    assert server.seen("news") == [(spark, 2)]
    assert here.story + server.story == ["news", "news"]
