"""The client half of a WebSocket transformer: inherit `WebSocketClientContract`.

Servers answer in every way but the right one, and options do what they say.
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from primus.errors import HandshakeError, OptionError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.registry import transformer_named
from primus.server.primus import Primus
from primus.transformer import DialOptions, Transformer
from primus.websocket import CLOSE_TIMEOUT, accept_key
from primus_testing.clock import ManualClock
from primus_testing.peer import Peer
from primus_testing.raw_websocket import CONT, TEXT, deflated, frame
from primus_testing.recorder import DEADLINE, Recorder
from primus_testing.scripted import Asked, answer, scripted_server
from primus_testing.sites import AiohttpSite
from primus_testing.transformer.base import Contract, Serve

__all__ = ["WebSocketClientContract"]


@asynccontextmanager
async def server_that_says(answer: bytes) -> AsyncIterator[str]:
    """The URL of a server that answers any request with these bytes."""
    serving: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/primus"
    finally:
        await asyncio.gather(*serving)
        server.close()
        await server.wait_closed()


def _switched(asked: Asked) -> bytes:
    """The answer to a handshake that is right."""
    accept = accept_key(asked.headers["sec-websocket-key"])
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


class WebSocketClientContract(Contract):
    """What a client does that speaks RFC 6455."""

    @property
    def kind(self) -> type[Transformer]:
        """The class of the transformer."""
        return transformer_named(self.transformer)[1]

    async def test_a_refusal_has_status_headers_and_body(self) -> None:
        answer = b"HTTP/1.1 418 Teapot\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nshort"
        async with server_that_says(answer) as url:
            with pytest.raises(HandshakeError, match="unexpected server response: 418") as caught:
                await Peer.open(self.kind, url)
        assert caught.value.status == 418
        assert caught.value.headers["X-One"] == "1"
        assert caught.value.body == b"short"

    @pytest.mark.parametrize(
        "pieces",
        [
            [b"Content-Length: 5\r\n\r\n", b"sh", b"ort"],
            [b"Transfer-Encoding: chunked\r\n\r\n2\r\nsh\r\n", b"3\r\nort\r\n0\r\n\r\n"],
        ],
        ids=["length", "chunked"],
    )
    async def test_a_refusal_that_comes_in_pieces_is_read_whole(self, pieces: list[bytes]) -> None:
        pieces = [b"HTTP/1.1 418 Teapot\r\nX-One: 1\r\n", *pieces]
        async with scripted_server(lambda asked: pieces) as server:
            with pytest.raises(HandshakeError) as caught:
                await Peer.open(self.kind, server.url + "/primus")
        assert caught.value.status == 418
        assert caught.value.body == b"short"

    @pytest.mark.parametrize(
        "line", ["HTTP/1.0 503 Full", "HTTP/1.1 503", "HTTP/1.1 503 "], ids=["old", "bare", "empty"]
    )
    async def test_a_refusal_may_be_of_an_old_server_or_without_words(self, line: str) -> None:
        rest = f"{line[12:]}\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nfull"
        pieces = [line[:12].encode(), rest.encode(), b""]
        async with scripted_server(lambda asked: pieces) as server:
            with pytest.raises(HandshakeError) as caught:
                await Peer.open(self.kind, server.url + "/primus")
        assert (caught.value.status, caught.value.body) == (503, b"full")
        assert caught.value.headers["Retry-After"] == "7"

    async def test_a_refusal_that_promises_more_than_is_read_has_its_status(self) -> None:
        limit = DEFAULT_LIMITS.refusal_bytes
        head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5000000\r\n\r\n"
        async with scripted_server(lambda asked: [head, b"x" * limit]) as server:
            with pytest.raises(HandshakeError) as caught:
                await Peer.open(self.kind, server.url + "/primus")
        assert (caught.value.status, caught.value.body) == (403, b"x" * limit)

    async def test_a_long_refusal_is_read_to_the_limit_only(self) -> None:
        refusal = answer(b"x" * 200_000, "403 Forbidden")
        async with scripted_server(lambda asked: [refusal]) as server:
            with pytest.raises(HandshakeError) as caught:
                await Peer.open(self.kind, server.url + "/primus")
        assert caught.value.body == b"x" * DEFAULT_LIMITS.refusal_bytes

    async def test_a_refusal_without_end_is_read_to_the_limit_only(self) -> None:
        limit = DEFAULT_LIMITS.refusal_bytes
        head = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
        pieces = [head, b"1\r\nx\r\n" * limit]
        async with scripted_server(lambda asked: pieces) as server:  # it keeps the connection
            with pytest.raises(HandshakeError) as caught:
                await Peer.open(self.kind, server.url + "/primus")
        assert caught.value.status == 403
        assert caught.value.body == b"x" * limit

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Moved"])
    async def test_no_redirect_is_followed_and_the_error_tells_where_it_points(
        self, status: str
    ) -> None:
        async with scripted_server(lambda asked: [answer("", "404 Not Found")]) as other:
            location = f"Location: {other.url.replace('://', '://u:p@')}/primus?token=s3cret"
            redirect = answer("", status, location)
            options = {"headers": {"X-Token": "s3cret"}}
            async with scripted_server(lambda asked: [redirect]) as server:
                with pytest.raises(HandshakeError, match="redirects are not followed") as caught:
                    await Peer.open(self.kind, server.url + "/primus", options=options)
        assert other.requests == []
        assert caught.value.status == int(status[:3])
        assert f"it points to '{other.url}/primus'" in str(caught.value)

    async def test_a_handshake_is_sent_once_when_its_connection_breaks(self) -> None:
        async with scripted_server(lambda asked: None) as server:
            with pytest.raises(TransportError, match="handshake failed"):
                await Peer.open(self.kind, server.url + "/primus")
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "head",
        [
            b"".join(b"X-%d: 1\r\n" % number for number in range(5000)),
            b"X-Long: " + b"x" * 200_000 + b"\r\n",
        ],
        ids=["many", "long"],
    )
    @pytest.mark.parametrize("status", ["101 Switching Protocols", "403 Forbidden"])
    async def test_a_head_without_bounds_is_an_error(self, status: str, head: bytes) -> None:
        pieces = [f"HTTP/1.1 {status}\r\n".encode() + head, b""]
        async with scripted_server(lambda asked: pieces) as server:
            with pytest.raises(TransportError, match="handshake failed"):
                await Peer.open(self.kind, server.url + "/primus")

    async def test_headers_of_a_refusal_that_are_repeated_can_be_read(self) -> None:
        refusal = answer(
            "", "403 Forbidden", "X-One: 1", "X-One: 2", "Location: /a", "Location: /b"
        )
        async with scripted_server(lambda asked: [refusal]) as server:
            with pytest.raises(HandshakeError) as caught:
                await Peer.open(self.kind, server.url + "/primus")
        assert caught.value.headers["x-one"] == "1"

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"HTTP/1.1 101",
            b"\x00\xff\x00\xff\r\n\r\n",
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/1.1 4x8 Nope\r\n\r\n",
            b"HTTP/1.1 403 Forbidden\r\nno header\r\n\r\n",
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nsh",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        ],
    )
    async def test_an_answer_that_is_no_handshake_is_an_error_of_the_transport(
        self, said: bytes
    ) -> None:
        async with server_that_says(said) as url:
            with pytest.raises(TransportError, match=r"handshake failed|server response: 403"):
                await Peer.open(self.kind, url)

    async def test_an_address_without_a_listening_server_is_named(self) -> None:
        with pytest.raises(TransportError, match=r"cannot connect to 127\.0\.0\.1:1"):
            await Peer.open(self.kind, "http://127.0.0.1:1/primus")

    async def test_a_connect_that_is_given_up_closes_its_socket(self) -> None:
        asked, gone = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
            gone.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connecting = asyncio.ensure_future(Peer.open(self.kind, f"http://127.0.0.1:{port}/primus"))
        async with asyncio.timeout(DEADLINE):
            await asked.wait()
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await gone.wait()
        server.close()
        await server.wait_closed()

    async def test_a_server_with_a_window_of_8_bits_is_read_compressed_and_written_to_as_it_is(
        self,
    ) -> None:
        long = "x" * 5000
        received: list[tuple[int, bytes]] = []
        done = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            (key,) = re.findall("Sec-WebSocket-Key: (.+)\r", head)
            (offer,) = re.findall("Sec-WebSocket-Extensions: (.+)\r", head)
            assert offer.startswith("permessage-deflate")
            smallest = "; client_max_window_bits=8" if "client_max_window_bits" in offer else ""
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: "
                + accept_key(key).encode()
                + b"\r\nSec-WebSocket-Extensions: permessage-deflate"
                + smallest.encode()
                + b"\r\n\r\n"
                + frame(TEXT, deflated(b"hello"), rsv=4, masked=False)
            )
            first, second = await reader.readexactly(2)
            if smallest:
                assert second == 0xFE
                mask = (await reader.readexactly(6))[2:] * (len(long) // 4)
                payload = await reader.readexactly(len(long))
                received.append((first, bytes(map(int.__xor__, payload, mask))))
            else:  # the client has not let the server ask for a window: it may compress
                received.append((first & ~0x40, long.encode()))
            writer.close()
            done.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/primus"
        async with asyncio.timeout(DEADLINE):
            peer = await Peer.open(self.kind, url, compression=True)
            assert await peer.receive() == "hello"
            peer.send(long)
            await done.wait()
            await peer.gone()
        assert received == [(0x81, long.encode())]
        server.close()
        await server.wait_closed()

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            (frame(TEXT, b"masked"), 1002),
            (
                frame(TEXT, b"", fin=False, masked=False)
                + frame(CONT, fin=False, masked=False) * DEFAULT_LIMITS.fragments,
                1009,
            ),
        ],
        ids=["masked", "fragments"],
    )
    async def test_a_server_that_breaks_the_rules_is_told_how(
        self, wrong: bytes, code: int
    ) -> None:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            (key,) = re.findall("Sec-WebSocket-Key: (.+)\r", head)
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
            )
            writer.write(frame(TEXT, b"right", masked=False) + wrong)
            answered.set_result(await reader.readexactly(8))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/primus"
        async with asyncio.timeout(DEADLINE):
            peer = await Peer.open(self.kind, url)
            assert await peer.receive() == "right"
            close = await answered
            assert await peer.gone() == []
        assert close[0] == 0x88
        mask, masked = close[2:6], close[6:8]
        assert int.from_bytes(bytes(map(int.__xor__, masked, mask))) == code
        server.close()
        await server.wait_closed()

    @pytest.mark.parametrize("url", ["ftp://localhost/primus", "no url", "http://"])
    async def test_what_is_no_url_is_refused(self, url: str) -> None:
        with pytest.raises(OptionError, match="cannot open a WebSocket to"):
            await Peer.open(self.kind, url)

    async def test_an_unknown_transport_option_is_refused(self) -> None:
        with pytest.raises(OptionError, match="unknown transport option colour"):
            await Peer.open(self.kind, "http://localhost/primus", options={"colour": "red"})

    async def test_headers_of_the_handshake_can_be_given(self, serve: Serve) -> None:
        server = await serve()
        seen = Recorder(server.primus, "connection")
        await server.peer(options={"headers": {"X-One": "1", "Origin": "http://example.com"}})
        spark = await seen.one("connection")
        assert spark.headers["X-One"] == "1"
        assert spark.headers["Origin"] == "http://example.com"

    async def test_an_origin_that_is_not_listed_is_refused(self, serve: Serve) -> None:
        server = await serve(origins="http://example.com")
        with pytest.raises(HandshakeError) as caught:
            await server.peer(options={"headers": {"Origin": "http://evil.example"}})
        assert caught.value.status == 403
        await server.peer(options={"headers": {"Origin": "http://example.com"}})

    async def test_a_websocket_that_has_been_opened_is_not_read_until_that_is_asked_for(
        self, serve: Serve
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        peer = Peer()
        dial = DialOptions(server.url + "/primus", max_length=1000)
        transport = await self.kind.connector().open(dial, peer)
        (await sparks.one("connection")).write("early")
        received = asyncio.ensure_future(peer.receive())
        other = await server.peer()
        for _ in range(3):  # by then, what was sent to the first has been there for long
            await other.id()
        assert not received.done()
        transport.resume_reading()
        assert await received == '"early"'
        transport.abort()

    async def test_subprotocols_are_negotiated(self, serve: Serve) -> None:
        server = await serve(transport={"subprotocols": ["two", "one"]})
        seen = Recorder(server.primus, "connection")
        await server.peer(options={"subprotocols": ["one"]})
        spark = await seen.one("connection")
        assert spark.headers["Sec-WebSocket-Protocol"] == "one"

    async def test_compression_is_used_when_both_sides_want_it(self, serve: Serve) -> None:
        server = await serve(compression=True)
        server.primus.on("connection", lambda spark: spark.on("data", spark.write))
        peer = await server.peer(compression=True)
        text = '"' + "x" * 100_000 + '"'
        peer.send(text)
        assert await peer.receive() == text

    async def test_a_unix_socket_is_connected_to(self, tmp_path: Path, serve: Serve) -> None:
        server = await serve()
        seen = Recorder(server.primus, "connection")
        path = str(tmp_path / "socket")
        assert isinstance(server.site, AiohttpSite)
        await web.UnixSite(server.site.runner, path).start()
        peer = await Peer.open(self.kind, "http://localhost/primus", options={"unix": path})
        server.peers.append(peer)
        spark = await seen.one("connection")
        assert spark.address.ip == ""

    async def test_a_plain_server_is_no_tls_server(self, serve: Serve) -> None:
        server = await serve()
        url = server.url.replace("http:", "https:") + "/primus"
        context = ssl.create_default_context()
        with pytest.raises(TransportError, match="cannot connect to"):
            await Peer.open(self.kind, url, options={"ssl": context})

    @pytest.mark.parametrize("options", [{"colour": "red"}, {"close_timeout": 1, "wrong": 2}])
    async def test_a_server_refuses_an_unknown_transport_option(
        self, options: dict[str, Any]
    ) -> None:
        with pytest.raises(OptionError, match=r"the \w+ transformer takes close_timeout"):
            Primus(transformer=self.transformer, transport=options)

    @pytest.mark.parametrize(
        "status", ["200 OK", "400 Bad Request", "403 Forbidden", "426 Upgrade"]
    )
    async def test_a_proxy_that_drops_upgrades_is_named(self, status: str) -> None:
        spec = answer(f'{{"transformer":"{self.kind.name}","parser":"JSON","timeout":35000}}')

        def proxy(asked: Asked) -> list[bytes]:
            return [spec if asked.target.startswith("/primus/spec") else answer("", status)]

        async with scripted_server(proxy) as server:
            text = await self._failure(server.url)
        assert "but takes no WebSocket" in text
        assert "a proxy in between drops the headers Upgrade and Connection" in text
        assert "an ASGI application has no WebSocket route at '/primus'" in text

    async def test_a_server_with_another_transformer_is_named(self) -> None:
        spec = answer('{"transformer":"engine.io","parser":"json","timeout":35000}')

        def other(asked: Asked) -> list[bytes]:
            return [spec if asked.target.startswith("/primus/spec") else answer("", "400 Bad")]

        async with scripted_server(other) as server:
            text = await self._failure(server.url)
        assert f"transformer is 'engine.io', that of this client is '{self.kind.name}'" in text

    async def test_a_refusal_that_says_all_is_taken_at_its_word(self) -> None:
        refusal = answer('{"error":"no"}', "401 Unauthorized", "Content-Type: application/json")
        async with scripted_server(lambda asked: [refusal]) as server:
            text = await self._failure(server.url)
            assert text == "unexpected server response: 401: 'no'"
            assert len(server.requests) == 1

    async def test_an_attempt_to_reconnect_asks_for_no_description(
        self, manual_clock: ManualClock
    ) -> None:
        def closing_then_refusing(asked: Asked) -> list[bytes]:
            first = len(server.requests) == 1
            return [_switched(asked), b"\x88\x00", b""] if first else [answer("", "400 Bad")]

        async with scripted_server(closing_then_refusing) as server:
            kind = Primus.create_socket(transformer=self.transformer)
            socket = kind(server.url, clock=manual_clock, network=False)
            seen = Recorder(socket, "reconnect scheduled")
            await seen.next("reconnect scheduled")
            manual_clock.advance(10)
            await seen.next("reconnect scheduled")
            socket.destroy()
            await socket.wait_closed()
        assert len(server.requests) == 2
        assert not [each for each in server.requests if "/spec" in each.target]

    async def _failure(self, url: str) -> str:
        socket = Primus.create_socket(transformer=self.transformer)(url, strategy="online")
        seen = Recorder(socket, "error")
        text = str(await seen.one("error"))
        socket.destroy()
        await socket.wait_closed()
        return text

    @pytest.mark.parametrize(
        ("payload", "code", "status"),
        [
            (b"", "server end", None),
            (b"\x03\xe8done", "server end", 1000),
            (b"\x03\xe9done", "shutdown", 1001),
            (b"\x03\xf0done", "refused", 1008),
        ],
    )
    async def test_a_socket_knows_with_what_the_server_closed(
        self, payload: bytes, code: str, status: int | None
    ) -> None:
        closing = bytes((0x88, len(payload))) + payload
        async with scripted_server(lambda asked: [_switched(asked), closing, b""]) as server:
            socket = Primus.create_socket(transformer=self.transformer)(
                server.url, strategy="online"
            )
            seen = Recorder(socket, "close")
            await seen.next("close")
            assert socket.closed is not None
            assert (socket.closed.code, socket.closed.status) == (code, status)
            assert socket.closed.by == "server"
            assert ("done" in socket.closed.reason) is bool(payload)
            socket.destroy()
            await socket.wait_closed()

    async def test_a_client_that_is_still_reading_lets_go_of_a_wire_that_has_been_closed(
        self,
    ) -> None:
        let_go: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
            )
            writer.write(b"\x81\x011" * 10 + b"\x88\x00")
            writer.write_eof()
            let_go.set_result(await reader.read())
            writer.close()

        gate = asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        kind = Primus.create_socket(transformer=self.transformer)
        socket = kind(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", strategy=False)
        socket.on("data", gate.wait)
        async with asyncio.timeout(CLOSE_TIMEOUT / 2):
            rest = await let_go
        assert rest[-6:-4] in {b"\x88\x80", b""}  # some close without a word, as the wire is
        gate.set()
        socket.destroy()
        server.close()
        await server.wait_closed()
