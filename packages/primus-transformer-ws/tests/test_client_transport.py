"""The handshake of a client on a wire that does nothing by itself: literal bytes in and out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from websockets.utils import accept_key

from primus.errors import HandshakeError, LimitError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.transformer import DialOptions
from primus_testing import DEADLINE, NotingConnection, NotingTransport
from primus_testing.raw_websocket import CONT, TEXT, frame
from primus_transformer_ws import client

REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n"


class Dialled:
    """A client whose server is the test."""

    def __init__(self) -> None:
        self.wire = NotingTransport()
        self.connection = NotingConnection()
        self.transport: Any = None

    async def open(
        self, answer: Callable[[Any, bytes], Awaitable[None] | None], **dial: Any
    ) -> None:
        """Open; `answer` gets the transport, and the head that accepts its handshake."""

        async def dialled(uri: object, dial: object, opening: Any) -> None:
            opening.connection_made(self.wire)
            head = self.wire.written
            self.wire.writes.clear()
            if (answering := answer(opening, accepted(head))) is not None:
                await answering

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client, "_dial", dialled)
            options = DialOptions("ws://localhost/", dial.pop("max_length", 100), **dial)
            async with asyncio.timeout(DEADLINE):
                self.transport = await client.WebSocketsConnector().open(options, self)  # type: ignore[arg-type]

    def attach(self, transport: Any) -> None:
        transport.connection = self.connection


def accepted(head: bytes) -> bytes:
    """The answer of a server that accepts a handshake."""
    key = next(
        line for line in head.decode().split("\r\n") if line.lower().startswith("sec-websocket-key")
    ).partition(": ")[2]
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
    )


def unmasked(kind: int, payload: bytes = b"", fin: bool = True) -> bytes:
    """A frame of a server."""
    return frame(kind, payload, fin=fin, masked=False)


@pytest.fixture
def dialled() -> Dialled:
    return Dialled()


@pytest.mark.parametrize("size", [1, 10_000])
async def test_what_comes_behind_an_answer_waits_until_the_connection_reads(
    dialled: Dialled, size: int
) -> None:
    def answer(opening: Any, head: bytes) -> None:
        data = head + unmasked(TEXT, b"early")
        for at in range(0, len(data), size):
            opening.data_received(data[at : at + size])

    await dialled.open(answer)
    assert dialled.connection.story == []
    assert not dialled.wire.reading

    dialled.transport.resume_reading()

    assert dialled.connection.story == ["early"]
    assert dialled.wire.reading


@pytest.mark.parametrize("size", [7, 100_000])
async def test_a_refusal_is_read_with_its_body(dialled: Dialled, size: int) -> None:
    def answer(opening: Any, head: bytes) -> None:
        data = REFUSAL % 4 + b"nope"
        for at in range(0, len(data), size):
            opening.data_received(data[at : at + size])

    with pytest.raises(HandshakeError) as refused:
        await dialled.open(answer)
    assert (refused.value.status, refused.value.body) == (401, b"nope")
    assert dialled.wire.ends == ["aborted"]


async def test_no_more_of_the_body_of_a_refusal_is_kept_than_the_limit(dialled: Dialled) -> None:
    most = DEFAULT_LIMITS.refusal_bytes
    with pytest.raises(HandshakeError) as refused:
        await dialled.open(
            lambda opening, head: opening.data_received(REFUSAL % (most + 1) + b"x" * (most + 1))
        )
    assert refused.value.body == b"x" * most


async def test_a_server_that_ends_its_side_in_the_middle_of_the_answer_is_no_server(
    dialled: Dialled,
) -> None:
    def answer(opening: Any, head: bytes) -> None:
        opening.data_received(head[:20])
        opening.eof_received()

    with pytest.raises(TransportError, match="the WebSocket handshake failed"):
        await dialled.open(answer)


async def test_a_wire_that_is_lost_in_the_middle_of_the_answer_is_the_cause(
    dialled: Dialled,
) -> None:
    with pytest.raises(TransportError, match="the WebSocket handshake failed: reset") as failed:
        await dialled.open(
            lambda opening, head: opening.connection_lost(ConnectionResetError("reset"))
        )
    assert isinstance(failed.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("size", [100, 101])
async def test_a_server_sends_no_longer_messages_than_the_client_takes(
    dialled: Dialled, size: int
) -> None:
    await dialled.open(lambda opening, head: opening.data_received(head), max_length=100)
    dialled.transport.resume_reading()
    dialled.transport.data_received(unmasked(TEXT, b"x" * size))
    fits = size <= 100
    assert dialled.connection.story == (["x" * size] if fits else ["lost"])
    assert isinstance(dialled.connection.error, LimitError) is not fits
    dialled.transport.abort()


async def test_a_server_sends_no_more_short_fragments_than_the_limits_of_the_client(
    dialled: Dialled,
) -> None:
    limits = replace(DEFAULT_LIMITS, fragments=2)
    await dialled.open(lambda opening, head: opening.data_received(head), limits=limits)
    dialled.transport.resume_reading()
    dialled.transport.data_received(
        unmasked(TEXT, fin=False) + unmasked(CONT, fin=False) + unmasked(CONT, fin=False)
    )
    assert dialled.connection.story == ["lost"]
    assert isinstance(dialled.connection.error, LimitError)
    dialled.transport.abort()


async def test_a_handshake_that_is_given_up_drops_its_wire(dialled: Dialled) -> None:
    reached = asyncio.Event()
    opening = asyncio.ensure_future(dialled.open(lambda opening, head: reached.set()))
    await reached.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert dialled.wire.ends == ["aborted"]


def test_what_is_spoken_over_a_websocket_agrees_on_its_own_subprotocol_and_headers() -> None:
    given = {
        "subprotocols": ["mine"],
        "close_timeout": 3.0,
        "headers": {"X-Mine": "kept", "cookie": "theirs"},
    }
    dial = client.leg(DialOptions("http://a/", 10, options=given), "ws://b/", 5, {"Cookie": "ours"})
    assert (dial.url, dial.max_length) == ("ws://b/", 5)
    assert dial.options == {
        "close_timeout": 3.0,
        "headers": {"X-Mine": "kept", "Cookie": "ours"},
    }


@pytest.mark.parametrize("is_given", [False, True])
async def test_a_server_of_https_has_to_be_the_one_that_was_named(
    monkeypatch: pytest.MonkeyPatch, is_given: bool
) -> None:
    context = ssl.create_default_context()
    asked: dict[str, Any] = {}

    async def connect(make: object, host: str, port: int, **tls: Any) -> None:
        asked.update(tls, host=host, port=port)
        raise ConnectionRefusedError("not here")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", connect, raising=False)
    options = {"ssl": context} if is_given else {}
    dial = DialOptions("https://primus.example/", 100, options=options)
    with pytest.raises(TransportError, match=r"cannot connect to primus\.example:443: not here"):
        await client.WebSocketsConnector().open(dial, None)  # type: ignore[arg-type]
    assert (asked["host"], asked["port"]) == ("primus.example", 443)
    assert asked["server_hostname"] == "primus.example"
    assert asked["ssl"].check_hostname
    assert (asked["ssl"] is context) is is_given
