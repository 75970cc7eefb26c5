from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from primus import OptionError, Primus
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, join


@pytest_asyncio.fixture
async def primus(tracebacks: Tracebacks) -> AsyncIterator[Any]:
    """A server without a network, whose time stands still.

    The test fails when something is logged as an error.
    """
    options = {"transformer": MemoryTransformer, "clock": ManualClock()}
    made = Primus(plugin="template", template_limit=5, **options)
    yield made
    await made.destroy()


def test_a_text_is_sent(primus: Any) -> None:
    spark, wire = join(primus)

    assert spark.template("hello") is True

    assert wire.sent == ['{"template":"hello"}']


def test_a_text_that_arrives_is_an_event_and_no_data(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "template", "data")

    wire.receive('{"template":"hello"}')

    assert events.story == ["template"]
    assert events.seen("template") == [("hello",)]


def test_a_text_that_is_too_long_is_cut(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "template")

    wire.receive('{"template":"hello, world"}')

    assert events.seen("template") == [("hello",)]


@pytest.mark.parametrize("frame", ["null", '"template"', '{"template":5}', '{"other":"hello"}'])
def test_what_is_no_text_is_data(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "template", "data")

    wire.receive(frame)

    assert events.story == ["data"]


@pytest.mark.parametrize("limit", [0, -1, "five", None])
async def test_a_limit_that_cannot_work_is_refused(limit: Any) -> None:
    with pytest.raises(OptionError, match="template_limit="):
        Primus(transformer=MemoryTransformer, plugin="template", template_limit=limit)


async def test_server_and_python_client_understand_one_another(primus: Any) -> None:
    primus.on("connection", lambda spark: spark.on("template", spark.template))
    socket = primus.Socket("http://memory")
    events = Recorder(socket, "template", "data")

    socket.template("hello")

    assert await events.one("template") == "hello"
    assert events.seen("data") == []
    socket.destroy()


def test_the_browser_half_is_part_of_the_library(primus: Any) -> None:
    assert "primus.template = " in primus.library()
