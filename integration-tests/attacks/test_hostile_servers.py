"""Hostile servers against our Python clients."""

import asyncio
import json

import pytest

from attacks.hostile import Hostile, Visit
from attacks.targets import Targets
from attacks.wires import PING, TEXT, frame
from primus_testing.raw_websocket import deflated

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEC = {
    "version": "8.0.9",
    "pathname": "/primus",
    "parser": "json",
    "transformer": "websockets",
    "timeout": 35000,
    "pingInterval": 30000,
}


def plain(opcode: int, payload: bytes, **how: object) -> bytes:
    """A frame of a server."""
    return frame(opcode, payload, masked=False, **how)


async def upgrade_and_flood(visit: Visit) -> None:
    """A WebSocket over which more comes than is read."""
    visit.upgrade()
    await visit.flood(plain(TEXT, b"[" + b"1," * 100 + b"1]") * 300, 500)


CLIENTS = ["websockets", "lws", "faye"]


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_client_that_is_flooded_while_it_is_busy_stops_reading(
    targets: Targets, times: int, kind: str
) -> None:
    async with Hostile(upgrade_and_flood) as server:
        client = await targets.make()
        client.mark()
        await client.ask("freeze_on_data", url=f"http://127.0.0.1:{server.port}", transformer=kind)
        await asyncio.sleep(1.0)

        assert client.peak < 12.0


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_client_cannot_be_made_to_owe_pongs_without_end(
    targets: Targets, times: int, kind: str
) -> None:
    async def script(visit: Visit) -> None:
        visit.upgrade()
        await visit.flood(plain(PING, b"p" * 125) * 500, 400 * times)

    async with Hostile(script) as server:
        client = await targets.make()
        client.mark()
        await client.ask("attempt", url=f"http://127.0.0.1:{server.port}", transformer=kind)
        await client.until("news", lambda news: news["seen"].get("open"))
        await asyncio.sleep(1.0)

        assert client.peak < 12.0


async def test_a_client_cannot_be_made_to_owe_acknowledgements_without_end(
    targets: Targets, times: int
) -> None:
    async def script(visit: Visit) -> None:
        if "/websocket/" not in visit.target:
            visit.answer("200 OK", b"key:60:60:websocket,xhr-polling")
            return
        visit.upgrade()
        visit.writer.write(plain(TEXT, b"1::"))
        # What is no message needs no listener, so nothing but the writing stops the reading.
        await visit.flood(plain(TEXT, b"5:1234567890123456::") * 3000, 600 * times)

    async with Hostile(script) as server:
        client = await targets.make()
        client.mark()
        await client.ask("attempt", url=f"http://127.0.0.1:{server.port}", transformer="socket.io")
        await client.until("news", lambda news: news["seen"].get("open"))
        await asyncio.sleep(2.0)

        assert client.peak < 12.0


async def test_a_client_that_is_flooded_during_its_upgrade_keeps_little(
    targets: Targets, times: int
) -> None:
    sent = 0

    async def script(visit: Visit) -> None:
        nonlocal sent
        if "transport=websocket" in visit.target:
            visit.upgrade()
            await visit.reader.read(100)
            visit.writer.write(plain(TEXT, b"3probe"))
            sent = await visit.flood(plain(TEXT, b"4" + b"[1]" * 20_000), 500 * times)
        elif "sid=" not in visit.target:
            handshake = {"sid": "x", "upgrades": ["websocket"], "pingInterval": 25000,
                         "pingTimeout": 20000, "maxPayload": 1000000}  # fmt: skip
            visit.answer("200 OK", b"0" + json.dumps(handshake).encode())
        elif visit.method == "POST":
            visit.answer("200 OK", b"ok")
        else:
            await asyncio.Event().wait()  # the poll never ends, so the upgrade does not either

    async with Hostile(script) as server:
        client = await targets.make()
        client.mark()
        await client.ask("attempt", url=f"http://127.0.0.1:{server.port}", transformer="engine.io")
        for _ in range(300):
            if sent or client.peak > 15:
                break
            await asyncio.sleep(0.02)

        assert client.peak < 25.0  # it kept all of 300 MB


ENDLESS = {
    "spec": (None, "/spec"),
    "engine.io": ("engine.io", "polling"),
    "sockjs": ("sockjs", "/xhr"),
    "sockjs info": ("sockjs", "/info"),
    "socket.io": ("socket.io", "/1/xhr-polling/"),
    "socket.io handshake": ("socket.io", "/primus/1/"),
    "browserchannel": ("browserchannel", "RID=rpc"),
    "browserchannel bind": ("browserchannel", "/bind"),
    "refusal": ("websockets", "/primus"),
}


INFO = b'{"websocket":false,"cookie_needed":false,"entropy":1}'
TALK = {
    "/primus/test": b"11111",
    "/primus/bind": b'25\n[[0,["c","sid",null,8]]]\n',
    "/primus/1/": b"key:60:60:xhr-polling",
}
"""What is answered by the way."""


@pytest.mark.parametrize("kind", ENDLESS)
async def test_an_answer_without_end_does_not_fill_the_memory_of_a_client(
    targets: Targets, times: int, kind: str
) -> None:
    transformer, where = ENDLESS[kind]

    async def script(visit: Visit) -> None:
        if where not in visit.target:
            visit.answer("200 OK", TALK.get(visit.target.partition("?")[0], INFO))
            return
        if kind == "refusal":
            visit.writer.write(b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            visit.begin()
        await visit.flood(b"%x\r\n%s\r\n" % (65536, b" " * 65536), 1600 * times)

    async with Hostile(script) as server:
        client = await targets.make()
        client.mark()
        url = f"http://127.0.0.1:{server.port}"
        if transformer is None:
            await client.ask("dial", url=url, within=30)
        else:
            await client.ask("attempt", url=url, transformer=transformer)
            await asyncio.sleep(2.0)

        # 100 MB were sent. 16 MiB of an answer to a poll are taken (`Limits.poll_bytes`).
        assert client.peak < (
            30.0 if where in {"polling", "/xhr", "/bind", "/1/xhr-polling/"} else 12.0
        )


async def test_a_client_does_not_inflate_a_bomb(targets: Targets) -> None:
    async def script(visit: Visit) -> None:
        visit.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n")
        await visit.flood(plain(TEXT, deflated(b"1" * 50_000_000), rsv=4), 1)
        await visit.reader.read()

    async with Hostile(script) as server:
        client = await targets.make()
        client.mark()
        await client.ask(
            "attempt",
            url=f"http://127.0.0.1:{server.port}",
            transformer="websockets",
            compression=True,
        )
        await asyncio.sleep(0.5)

        assert client.peak < 20.0


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
@pytest.mark.parametrize(
    "transformer",
    [None, "websockets", "lws", "faye", "engine.io", "sockjs", "browserchannel", "socket.io"],
)
async def test_the_headers_of_a_user_do_not_follow_a_redirect_to_another_origin(
    targets: Targets, transformer: str | None, status: str
) -> None:
    async def listens(visit: Visit) -> None:
        visit.answer("200 OK", json.dumps(SPEC).encode())

    async with Hostile(listens) as thief:

        async def redirects(visit: Visit) -> None:
            where = f"http://localhost:{thief.port}{visit.target}"
            visit.answer(f"{status} Moved", b"", f"Location: {where}\r\n")

        async with Hostile(redirects) as server:
            client = await targets.make()
            headers = {"Authorization": "Bearer secret", "X-Token": "secret", "Cookie": "a=secret"}
            options = {"transport": {"headers": headers}}
            url = f"http://127.0.0.1:{server.port}"
            if transformer is None:
                await client.ask("dial", url=url, within=30, **options)
            else:
                await client.ask("attempt", url=url, transformer=transformer, **options)
                for _ in range(100):
                    if server.visits:
                        break
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.2)

        assert server.visits
        assert not [visit.head for visit in thief.visits if "secret" in visit.head]


async def test_what_is_written_after_the_last_attempt_is_not_kept(targets: Targets) -> None:
    async def refuses(visit: Visit) -> None:
        visit.answer("503 No")

    async with Hostile(refuses) as server:
        client = await targets.make()
        await client.ask(
            "attempt",
            url=f"http://127.0.0.1:{server.port}",
            transformer="websockets",
            reconnect={"retries": 1, "min": 0.01, "max": 0.02},
            strategy="disconnect, online, timeout",
        )
        await client.until("news", lambda news: {"reconnect failed", "end"} & set(news["seen"]))
        client.mark()

        taken = await client.ask("send", value="x" * 100, times=100_000)

        assert taken == 0
        assert client.peak < 6.0
