"""Text of an application that peers would obey, on each of its ways out."""

import asyncio
from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Any

import pytest

from primus import ControlTextError, Primus, Spark
from primus.pipeline import Packet
from primus.protocol import check_message
from primus_testing import Recorder, Tracebacks, eventually, join

MakePrimus = Callable[..., Primus]
CLOSE = "primus::server::close"


class Text(str):
    __slots__ = ()


class Word(StrEnum):
    CLOSE = "primus::server::close"


class Hidden(Enum):
    CLOSE = "primus::server::close"
    NESTED = Word.CLOSE


@pytest.mark.parametrize(
    "data",
    [
        CLOSE,
        "primus::id::fake",
        "primus::",
        "primus::unknown",
        "\ufeffprimus::id::fake",
        Text(CLOSE),
        Word.CLOSE,
        Hidden.CLOSE,
        Hidden.NESTED,
    ],
)
def test_text_that_peers_obey_is_refused_at_the_call(primus: Primus, data: Any) -> None:
    spark, wire = join(primus)
    for write in (spark.write, spark.end, primus.write, spark.pipe(spark).write):
        with pytest.raises(ControlTextError, match=r'Send it within something, such as \{"text"'):
            write(data)
    assert wire.sent == []
    assert spark.ready_state == Spark.OPEN


@pytest.mark.parametrize(
    "data", [[CLOSE], {"text": CLOSE}, {CLOSE: 1}, " " + CLOSE, "primus:", "Primus::", b"primus::"]
)
def test_everything_else_may_be_sent(data: Any) -> None:
    check_message(data)


def test_a_chat_that_passes_on_text_reports_it_and_goes_on(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("ControlTextError")
    (one, wire), (_, other) = join(primus), join(primus)
    one.on("data", lambda message: primus.write(message["said"]))
    wire.receive('{"said": "primus::server::close"}', '{"said": "hello"}')
    assert wire.sent == other.sent == ['"hello"']


def test_a_transform_may_wrap_what_cannot_be_sent_bare(primus: Primus) -> None:
    spark, wire = join(primus)

    @primus.transform("outgoing")
    def wrap(packet: Packet, spark: Spark) -> None:
        packet.data = [packet.data]

    spark.write(CLOSE)
    primus.write(CLOSE)
    assert wire.sent == ['["primus::server::close"]'] * 2


def test_what_a_transform_has_made_of_a_message_is_refused_too(primus: Primus) -> None:
    spark, wire = join(primus)

    @primus.transform("outgoing")
    def unwrap(packet: Packet, spark: Spark) -> None:
        packet.data = packet.data["text"]

    with pytest.raises(ControlTextError):
        spark.write({"text": CLOSE})
    with pytest.raises(ControlTextError):
        primus.write({"text": CLOSE})
    spark.write({"text": "fine"})
    assert wire.sent == ['"fine"']


async def test_what_an_async_transform_makes_is_an_error_and_what_follows_is_sent(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    errors = Recorder(spark, "error")

    @primus.transform("outgoing")
    async def unwrap(packet: Packet, spark: Spark) -> None:
        await asyncio.sleep(0)
        packet.data = packet.data["text"]

    for text in ("first", CLOSE, CLOSE, "last"):
        spark.write({"text": text})
    await eventually(lambda: wire.sent == ['"first"', '"last"'])
    assert [type(error) for (error,) in errors.seen("error")] == [ControlTextError] * 2


async def test_what_waits_behind_an_async_message_is_refused_in_its_turn(primus: Primus) -> None:
    spark, wire = join(primus)
    errors = Recorder(spark, "error")

    @primus.transform("outgoing")
    def sometimes(packet: Packet, spark: Spark) -> Any:
        return asyncio.sleep(0) if packet.data == "slow" else None

    for text in ("slow", CLOSE, "last"):
        spark.write(text)
    await eventually(lambda: wire.sent == ['"slow"', '"last"'])
    assert [type(error) for (error,) in errors.seen("error")] == [ControlTextError]


def test_the_cores_own_words_still_leave(primus: Primus) -> None:
    spark, wire = join(primus)
    wire.receive('"primus::id::"')
    spark.heartbeat()
    spark.end()
    assert wire.sent[0] == f'"primus::id::{spark.id}"'
    assert wire.sent[1].startswith('"primus::ping::')
    assert wire.sent[2:] == ['"primus::server::close"']
