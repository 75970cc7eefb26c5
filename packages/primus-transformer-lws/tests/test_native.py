"""What is private of picows, and is relied upon."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from primus import Primus
from primus_testing import Recorder
from primus_testing.raw_websocket import TEXT, RawWebSocket, frame
from primus_transformer_lws import native

Start = Callable[..., Awaitable[Any]]


class Changed:
    """A protocol object that takes other arguments than picows 2.3 does."""

    get_buffer = buffer_updated = wait_until_handshake_complete = None

    def __init__(self, host: str) -> None:
        """Nothing."""


class Renamed:
    """A protocol object with other methods."""

    def __init__(self, *arguments: Any) -> None:
        """Nothing."""

    get_buffer = None


@pytest.mark.parametrize("kind", [Changed, Renamed])
def test_a_picows_that_does_not_fit_is_an_error_that_names_the_versions_that_do(
    monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    monkeypatch.setattr(native, "WSProtocol", kind)
    with pytest.raises(ImportError, match=r"install picows >= 2\.3, < 2\.4"):
        native._check()


@pytest.mark.parametrize("name", ["lws", "uws", "picows", "LWS"])
def test_all_names_mean_the_same(name: str) -> None:
    assert type(Primus(transformer=name).transformer).__name__ == "Lws"


async def test_a_connection_begins_with_little_to_read_into() -> None:
    violations = native.ViolationLogger(logging.getLogger("primus.server"))
    protocol = native.PicowsProtocol(lambda: None, violations, 1 << 24)
    assert len(protocol.get_buffer(-1)) < 4096


async def test_no_more_is_read_at_once_however_much_room_picows_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native, "get_buffer", lambda protocol, size: memoryview(bytearray(size)))
    violations = native.ViolationLogger(logging.getLogger("primus.server"))
    protocol = native.PicowsProtocol(lambda: None, violations, 1 << 24)
    assert len(protocol.get_buffer(1 << 20)) == 64 * 1024
    assert len(protocol.get_buffer(100)) == 100


async def test_large_messages_in_a_row_keep_their_heads(primus_server: Start) -> None:
    server = await primus_server(transformer="lws", high_water=1 << 30)
    sparks = Recorder(server.primus, "connection")
    peer = await server.peer()
    peer.pause()
    spark = await sparks.one("connection")
    sizes = [70_000, 9_000, 200_000, 10_000] * 30
    for size in sizes:
        spark.write("x" * size)
    peer.resume()
    assert [len(await peer.receive()) - 2 for _ in sizes] == sizes


async def test_what_a_peer_does_wrong_is_logged_by_core_and_by_nothing_else(
    primus_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = await primus_server(transformer="lws")
    ends = Recorder(server.primus, "disconnection")
    for wrong in (frame(TEXT, b"\xff"), frame(3, b"x"), b"\x81\x02ab", b"\x88\x81\0\0\0\0x"):
        raw = await RawWebSocket.open(server)
        raw.send(wrong)
        await raw.close_code()
        await ends.next("disconnection")
    told = [record for record in caplog.records if record.levelname != "INFO"]
    assert {(record.name, record.levelname) for record in told} == {("primus.server", "WARNING")}
