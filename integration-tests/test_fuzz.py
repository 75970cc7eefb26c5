"""Whatever a peer sends, the server logs a drop at most, and goes on serving the other clients."""

import asyncio
import contextlib
import json
import os

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.casts import OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.network import RawWebSocket
from harness.parties import Server
from harness.stage import Stage
from primus_testing.raw_websocket import frame

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = settings(
    max_examples=600,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

control_text = st.one_of(
    st.sampled_from(
        ["ping::1", "pong::1", "id::", "id::x", "server::close", "ping::", "ping", "", ":::", "::"]
    ),
    st.text(max_size=30),
).map(lambda rest: f"primus::{rest}")
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | control_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
broken_json = st.sampled_from(
    [b'"\\ud800"', b"NaN", b"[1e999]", b"[" * 5000, b'{"a":' * 2000, b'"\xed\xa0\x80"', b"9" * 5000]
)
payloads = st.one_of(
    st.binary(max_size=200),
    broken_json,
    json_values.map(lambda value: json.dumps(value).encode("utf-8", "replace")),
    control_text.map(lambda text: f'"{text}"'.encode("utf-8", "replace")),
)
frames = st.one_of(
    st.builds(frame, st.sampled_from([1, 1, 1, 2, 0, 8, 9, 10]), payloads),
    st.builds(frame, st.integers(0, 15), payloads),
    st.binary(max_size=64),
)

HEAD = [
    b"Host: localhost\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: Upgrade\r\n",
    b"Connection: keep-alive, Upgrade\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"Sec-WebSocket-Key: short\r\n",
    b"Sec-WebSocket-Version: 13\r\n",
    b"Sec-WebSocket-Version: 99\r\n",
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n",
    b"Origin: null\r\n",
    b"Origin: http://x\r\n",
    b"Origin: \xff\r\n",
    b"X-Forwarded-For: ::1, ,unknown, 1.2.3.4:5, [::1]:6, \xc3\xa9\r\n",
    b'Forwarded: for="[::1]";proto=https, for=_x;;;\r\n',
    b"Cookie: \x80=;;; a=b; c\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Access-Control-Request-Method: POST\r\n",
    b"Access-Control-Request-Headers: x, \xff\r\n",
]


DROPPED = " was dropped: "
"""How the log tells of a client that has broken the rules: one line, whatever it has sent."""


def with_host(head: list[bytes]) -> list[bytes]:
    """Give most heads what HTTP/1.1 demands, so that they reach Primus."""
    return head if len(head) % 4 == 0 else [HEAD[0], *(line for line in head if line != HEAD[0])]


targets = st.one_of(
    st.sampled_from(
        [
            b"/primus", b"/primus/", b"/primus/spec", b"/primus/primus.js", b"/primus/primus.mjs",
            b"/primus/primus.d.ts", b"/primus//", b"/primus/../x", b"/primusfoo", b"/primus/%ff",
            b"/primus/?a=%ff&a=1&&=&b", b"*", b"http://x/primus", b"//primus", b"/primus/#x",
        ]
    ),
    st.binary(max_size=30).map(lambda rest: b"/primus/" + rest),
)  # fmt: skip
requests = st.one_of(
    st.builds(
        lambda method, target, head, rest: (
            method + b" " + target + b" HTTP/1.1\r\n" + b"".join(head) + b"\r\n" + rest
        ),
        st.sampled_from([b"GET", b"GET", b"POST", b"OPTIONS", b"HEAD", b"PUT", b"BREW", b"get"]),
        targets,
        st.lists(st.sampled_from(HEAD), unique=True).map(with_host),
        st.one_of(st.just(b""), st.just(b""), st.binary(max_size=50), frames),
    ),
    st.binary(min_size=1, max_size=300),
)


@pytest_asyncio.fixture(loop_scope="session")
async def server(stage: Stage) -> Server:
    """A server of the test's own, which must not have logged more than drops in the end."""
    return await stage.server(OURS_IN_PYTHON, echo=True)


@MANY
@given(data=st.lists(frames, min_size=1, max_size=6))
async def test_any_frames(server: Server, data: list[bytes]) -> None:
    async with await RawWebSocket.connect(server.port) as witness:
        async with await RawWebSocket.connect(server.port) as attacker:
            attacker.writer.write(b"".join(data))
            attacker.writer.write_eof()
            await attacker.closed()

        await bears_witness(witness, server)


@MANY
@given(data=requests)
async def test_any_http_bytes(server: Server, data: bytes) -> None:
    async with await RawWebSocket.connect(server.port) as witness:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            writer.write_eof()
            async with asyncio.timeout(DEADLINE):
                await reader.read()
        writer.close()

        await bears_witness(witness, server)


async def bears_witness(witness: RawWebSocket, server: Server) -> None:
    """The connection that was there before is served as if nothing had happened."""
    witness.send(b'{"are":"you there?"}')
    assert await witness.receive() == (1, b'{"are":"you there?"}')
    lines, server.process.stderr[:] = list(server.process.stderr), []
    said = "".join(line for line in lines if DROPPED not in line)
    assert not said, said
