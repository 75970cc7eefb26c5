"""permessage-deflate: what is agreed, and what is made of messages."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from primus import OptionError, Primus
from primus.errors import ProtocolError, TransportError
from primus.registry import transformer_named
from primus.websocket import accept_key
from primus_testing import Peer, Recorder
from primus_testing.raw_websocket import BINARY, CONT, PING, TEXT, RawWebSocket, deflated, frame
from primus_transformer_lws.deflate import Deflate, Settings, TooLarge, agreed, answered

Start = Callable[..., Awaitable[Any]]

ANY = Settings()


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            'permessage-deflate; server_max_window_bits="10"; client_max_window_bits=9',
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate",
        ),
        ("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; colour=red", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; client_no_context_takeover=1", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
        ("", None),
        (";;,,=", None),
    ],
)
def test_the_first_offer_that_can_be_met_is_taken(offers: str, answer: str | None) -> None:
    found = agreed(offers, ANY)
    assert (found and found[1]) == answer


def test_settings_narrow_what_is_agreed() -> None:
    settings = Settings.of(
        {
            "server_no_context_takeover": True,
            "server_max_window_bits": 11,
            "client_max_window_bits": 12,
            "compress_settings": {"level": 1, "memLevel": 4},
        }
    )
    found = agreed("permessage-deflate; client_max_window_bits", settings)
    assert found is not None
    assert found[1] == (
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=11; "
        "client_max_window_bits=12"
    )


def test_a_client_that_knows_no_window_size_is_not_asked_for_one() -> None:
    found = agreed("permessage-deflate", Settings(client_max_window_bits=10))
    assert found is not None
    assert found[1] == "permessage-deflate"
    assert found[0].client_max_window_bits == 15


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"server_max_window_bits": 8},
        {"client_max_window_bits": 16},
        {"compress_settings": {"colour": "red"}},
        {"compress_settings": {"memLevel": 100}},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="deflate"):
        Primus(transformer="lws", compression=True, transport={"deflate": wrong})


@pytest.mark.parametrize(
    "answer",
    [
        "permessage-deflate; colour",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; client_max_window_bits=7",
        "other",
    ],
)
def test_an_answer_that_fits_no_offer_is_refused(answer: str) -> None:
    with pytest.raises(ProtocolError, match="not offered"):
        answered(answer)


def pair(offers: str = "permessage-deflate") -> tuple[Deflate, Deflate]:
    """Both ends of what is agreed: server and client."""
    found = agreed(offers, ANY)
    assert found is not None
    theirs = answered(found[1])
    assert theirs is not None
    return Deflate(found[0], ANY, serves=True), Deflate(theirs, ANY, serves=False)


@pytest.mark.parametrize(
    "offers",
    [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    ],
)
def test_messages_come_out_as_they_went_in(offers: str) -> None:
    server, client = pair(offers)
    for message in (b"hello " * 1000, b"hello " * 1000, b"x", bytes(range(256)) * 300):
        assert client.inflate(server.deflate(message), len(message), last=True) == message


def test_a_context_that_is_kept_makes_repetitions_short() -> None:
    server, _ = pair()
    first, second = server.deflate(b"some words, once " * 2), server.deflate(b"some words, once ")
    assert len(second) < len(first)
    forgetful, _ = pair("permessage-deflate; server_no_context_takeover")
    assert forgetful.deflate(b"some words") == forgetful.deflate(b"some words")


def test_a_context_that_is_not_kept_is_not_referred_to() -> None:
    server, client = pair("permessage-deflate; client_no_context_takeover")
    client._forgets_outgoing = False  # it breaks what has been agreed
    first, second = client.deflate(b"some words, once "), client.deflate(b"some words, once ")
    assert server.inflate(first, 100, last=True) == b"some words, once "
    with pytest.raises(ProtocolError, match="cannot be inflated"):
        server.inflate(second, 100, last=True)


def test_a_message_of_exactly_the_limit_is_inflated() -> None:
    server, client = pair()
    squeezed = server.deflate(b"x" * 1000)
    assert client.inflate(squeezed, 1000, last=True) == b"x" * 1000


def test_a_message_beyond_the_limit_is_not_inflated_further() -> None:
    server, client = pair()
    with pytest.raises(TooLarge):
        client.inflate(server.deflate(b"x" * 1_000_000), 1000, last=True)
    assert client._inflating.unconsumed_tail


def test_a_message_may_end_with_a_final_block() -> None:
    _, client = pair()
    squeeze = zlib.compressobj(wbits=-15)
    final = squeeze.compress(b"the end") + squeeze.flush() + b"\x00"
    assert client.inflate(final, 100, last=True) == b"the end"
    assert client.inflate(deflated(b"another"), 100, last=True) == b"another"


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x03\x00" * 100])
def test_what_is_no_compressed_message_is_refused(data: bytes) -> None:
    _, client = pair()
    with pytest.raises(ProtocolError, match="compressed message"):
        client.inflate(data, 1000, last=True)


DEFLATE = (("Sec-WebSocket-Extensions", "permessage-deflate"),)


async def test_fragments_of_a_compressed_message_are_inflated_as_they_come(
    primus_server: Start,
) -> None:
    server = await primus_server(transformer="lws", compression=True)
    sparks = Recorder(server.primus, "connection")
    raw = await RawWebSocket.open(server, DEFLATE)
    seen = Recorder(await sparks.one("connection"), "data")
    squeezed = deflated(b'"' + b"many words " * 500 + b'"')
    raw.send(frame(TEXT, squeezed[:10], fin=False, rsv=4), frame(PING, b"?"))
    raw.send(frame(CONT, squeezed[10:20], fin=False), frame(CONT, squeezed[20:]))
    assert await seen.one("data") == "many words " * 500
    raw.drop()


async def test_a_plain_message_is_limited_too_where_messages_may_be_compressed(
    primus_server: Start,
) -> None:
    server = await primus_server(transformer="lws", compression=True, max_length=1000)
    raw = await RawWebSocket.open(server, DEFLATE)
    raw.send(frame(TEXT, b"x" * 1001))
    assert await raw.close_code() == 1009


@pytest.mark.parametrize(
    "wrong",
    [
        frame(TEXT, b"\xff\xff\xff", rsv=4),
        frame(TEXT, deflated(b"x"), fin=False, rsv=4) + frame(CONT, b"", rsv=4),
        frame(PING, b"", rsv=4),
        frame(BINARY, b"", rsv=2),
    ],
)
async def test_compression_that_breaks_the_rules_closes_with_1002(
    primus_server: Start, wrong: bytes
) -> None:
    server = await primus_server(transformer="lws", compression=True)
    raw = await RawWebSocket.open(server, DEFLATE)
    raw.send(wrong)
    assert await raw.close_code() == 1002


async def test_an_extension_that_was_not_asked_for_is_refused() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/primus"
    with pytest.raises(TransportError, match="handshake failed"):
        await Peer.open(transformer_named("lws")[1], url)
    server.close()
    await server.wait_closed()


async def test_replies_to_one_read_leave_compressed_and_in_order(primus_server: Start) -> None:
    server = await primus_server(transformer="lws", compression=True)

    @server.primus.on("connection")
    def connection(spark: Any) -> None:
        spark.on("data", lambda number: spark.write([number, "x" * 2000 * (number % 2)]))

    peer = await server.peer(compression=True)
    peer.send(*map(str, range(20)))
    for number in range(20):
        assert await peer.receive() == f'[{number},"{"x" * 2000 * (number % 2)}"]'
