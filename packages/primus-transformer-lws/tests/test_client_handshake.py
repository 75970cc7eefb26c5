"""The answer to the handshake of a client, on a wire that does nothing by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from primus.errors import HandshakeError, OptionError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.transformer import DialOptions
from primus.websocket import accept_key
from primus_testing import DEADLINE, NotingConnection
from primus_testing.noting import SocketlessTransport
from primus_testing.raw_websocket import TEXT, frame
from primus_transformer_lws import client
from primus_transformer_lws.client_handshake import LONGEST_HEAD

REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n"


class Dialled:
    """A client in its handshake, whose server is the test."""

    def __init__(self, **dial: Any) -> None:
        self.wire = SocketlessTransport()
        self.connection = NotingConnection()
        options = DialOptions("ws://localhost/", 100, **dial)
        self.opening = client.Opening(client._url(options.url), options)
        self.handshake = self.opening._made()
        self.handshake.connection_made(self.wire)
        self.head = self.accepted(self.wire.written)
        self.wire.writes.clear()

    def accepted(self, head: bytes) -> bytes:
        """The answer of a server that accepts."""
        key = head.decode().partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )

    async def opened(self) -> Any:
        async with asyncio.timeout(DEADLINE):
            transport = await self.opening.opened()
        transport.connection = self.connection
        return transport


@pytest.fixture
async def dialled() -> Dialled:
    return Dialled()


@pytest.mark.parametrize("size", [1, 10_000])
async def test_what_comes_behind_an_answer_waits_until_the_connection_reads(
    dialled: Dialled, size: int
) -> None:
    data = dialled.head + frame(TEXT, b"early", masked=False)
    for at in range(0, len(data), size):
        if dialled.wire.protocol is None:
            dialled.handshake.data_received(data[at : at + size])
        else:
            dialled.wire.protocol.take(memoryview(data[at : at + size]))
    transport = await dialled.opened()
    assert dialled.connection.story == []
    assert not dialled.wire.reading
    transport.resume_reading()
    assert dialled.connection.story == ["early"]
    assert dialled.wire.reading


@pytest.mark.parametrize("size", [7, 100_000])
async def test_a_refusal_is_read_with_its_body(dialled: Dialled, size: int) -> None:
    data = REFUSAL % 4 + b"nope"
    for at in range(0, len(data), size):
        dialled.handshake.data_received(data[at : at + size])
    with pytest.raises(HandshakeError) as refused:
        await dialled.opened()
    assert (refused.value.status, refused.value.body) == (401, b"nope")
    assert dialled.wire.ends == ["aborted"]


async def test_no_more_of_the_body_of_a_refusal_is_awaited_than_is_kept(dialled: Dialled) -> None:
    most = DEFAULT_LIMITS.refusal_bytes
    dialled.handshake.data_received(REFUSAL % (2 * most) + b"x" * (most - 1))
    assert dialled.wire.ends == []
    dialled.handshake.data_received(b"xx")
    with pytest.raises(HandshakeError) as refused:
        await dialled.opened()
    assert refused.value.body == b"x" * most


@pytest.mark.parametrize("ends", ["eof_received", "connection_lost"])
async def test_a_refusal_whose_body_is_cut_off_is_one_with_what_has_come(
    dialled: Dialled, ends: str
) -> None:
    dialled.handshake.data_received(REFUSAL % 10 + b"no")
    getattr(dialled.handshake, ends)(*(None,) * (ends == "connection_lost"))
    with pytest.raises(HandshakeError) as refused:
        await dialled.opened()
    assert (refused.value.status, refused.value.body) == (401, b"no")


@pytest.mark.parametrize("ends", ["eof_received", "connection_lost"])
async def test_an_end_in_the_middle_of_the_answer_is_told_once(dialled: Dialled, ends: str) -> None:
    dialled.handshake.data_received(dialled.head[:20])
    for _ in range(2):
        getattr(dialled.handshake, ends)(*(None,) * (ends == "connection_lost"))
    dialled.handshake.data_received(dialled.head[20:])
    with pytest.raises(TransportError, match="handshake failed: connection closed"):
        await dialled.opened()


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
@pytest.mark.parametrize("is_whole", [True, False])
async def test_the_head_of_an_answer_is_no_longer_than_the_limit(
    dialled: Dialled, more: int, is_taken: bool, is_whole: bool
) -> None:
    head = b"HTTP/1.1 401 Unauthorized\r\n" + (b"X: " + b"x" * 4000 + b"\r\n") * 3 + b"X: "
    head += b"x" * (LONGEST_HEAD + more - len(head))
    dialled.handshake.data_received(head + b"\r\n\r\n" * is_whole)
    assert LONGEST_HEAD == 16 * 1024
    made = dialled.handshake.made
    refused = made.exception() if made.done() else None
    assert isinstance(refused, ProtocolError) is not is_taken
    if not is_taken:
        assert str(refused) == "a head of more than 16384 bytes"


async def test_what_comes_behind_a_short_head_is_not_counted_with_it(dialled: Dialled) -> None:
    dialled.handshake.data_received(REFUSAL % 40_000 + b"x" * 20_000)
    assert dialled.wire.ends == []
    dialled.handshake.data_received(b"x" * 20_000)
    with pytest.raises(HandshakeError):
        await dialled.opened()


async def test_an_answer_that_is_no_http_is_no_server(dialled: Dialled) -> None:
    dialled.handshake.data_received(b"HTTP/1.1 nonsense\r\n\r\n")
    with pytest.raises(TransportError, match="the WebSocket handshake failed"):
        await dialled.opened()
    assert dialled.wire.ends == ["aborted"]


async def test_a_wire_that_is_lost_right_behind_its_handshake_is_given_to_no_connection(
    dialled: Dialled,
) -> None:
    dialled.handshake.data_received(dialled.head)
    assert dialled.wire.protocol is not None
    dialled.wire.protocol.connection_lost(None)
    with pytest.raises(TransportError, match="connection closed"):
        await dialled.opened()


@pytest.mark.parametrize("url", ["ws://localhost:0/", "ftp://localhost/", "ws:///", "ws://[::1/"])
def test_a_url_that_no_websocket_can_be_opened_to_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match="cannot open a WebSocket to"):
        client._url(url)
