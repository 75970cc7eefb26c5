"""Heads of requests: too long, too many, never finished, or made to be slow to read."""

import asyncio

import pytest

from attacks.targets import Targets
from attacks.wires import HOSTS, WIRES, Raw, Wire, head, http, read_answer, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEBSOCKETS, LWS, FAYE, *_ = WIRES
PATHS = {
    "upgrade": lambda headers: upgrade("/primus/", headers),
    "request": lambda headers: head("GET", "/primus/spec", headers),
}


async def refused(raw: Raw) -> bool:
    """Whether the answer is an error, or none at all."""
    try:
        return (await read_answer(raw)).status >= 400
    except ConnectionError:
        return True


@pytest.mark.parametrize("host", ["own", "aiohttp"])
@pytest.mark.parametrize("kind", PATHS)
async def test_a_head_of_many_long_headers_is_refused(
    targets: Targets, kind: str, host: str
) -> None:
    target = await targets.server(host=host)
    raw = await Raw.dial(target.port)

    await raw.flood(PATHS[kind]("".join(f"X-{i}: {'x' * 8000}\r\n" for i in range(100))))

    assert await refused(raw)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", ["one header", "many headers", "the path"])
async def test_a_head_that_never_ends_is_cut(
    targets: Targets, times: int, kind: str, host: str
) -> None:
    target = await targets.server(host=host)
    raw = await Raw.dial(target.port)
    target.mark()
    start, more = {
        "one header": (b"GET /primus/ HTTP/1.1\r\nHost: x\r\nX-Long: ", b"x" * 65536),
        "many headers": (b"GET /primus/ HTTP/1.1\r\nHost: x\r\n", b"X-Header: x\r\n" * 4000),
        "the path": (b"GET /primus/", b"x" * 65536),
    }[kind]

    await raw.flood(start)
    await raw.flood(more, 200 * times)

    await raw.everything()
    assert target.peak < 6.0
    await WEBSOCKETS.answers(await WEBSOCKETS.open(target.port), '"served"')


@pytest.mark.parametrize("host", ["own", "aiohttp"])
@pytest.mark.parametrize("wire", [WEBSOCKETS, LWS, FAYE], ids=lambda wire: wire.name)
async def test_what_was_in_the_heads_does_not_stay(
    targets: Targets, times: int, wire: Wire, host: str
) -> None:
    target = await targets.server(wire.transformer, host)
    headers = "".join(f"X-{i}: {'x' * 900}\r\n" for i in range(15))  # a head that is let in
    sparks = [await wire.open(target.port, headers=headers) for _ in range(20)]
    target.mark()

    sparks += [await wire.open(target.port, headers=headers) for _ in range(200 * times)]

    assert target.kept / (200 * times) < 0.060  # megabytes for each


async def test_a_head_that_trickles_is_cut(targets: Targets) -> None:
    target = await targets.server(options={"handshake_timeout": 0.5})
    raw = await Raw.dial(target.port)

    await raw.send(b"GET /primus/ HTTP/1.1\r\nHost: x\r\n")
    trickling = asyncio.create_task(trickle(raw))

    await raw.everything()
    trickling.cancel()


async def trickle(raw: Raw) -> None:
    """A byte now and then."""
    while True:
        await asyncio.sleep(0.1)
        await raw.flood(b"X")


@pytest.mark.parametrize("what", ["half a head", "nothing"])
async def test_half_open_handshakes_cost_neither_tasks_nor_timers(
    targets: Targets, times: int, what: str
) -> None:
    count = 300 * times
    target = await targets.server()
    witness = await WEBSOCKETS.open(target.port)
    before = await target.ask("holds")
    target.mark()

    raws = [await Raw.dial(target.port, buffer=None) for _ in range(count)]
    if what == "half a head":
        for raw in raws:
            await raw.send(b"GET /primus/ HTTP/1.1\r\nHost: localhost\r\nUpgr")
    await WEBSOCKETS.answers(witness, '"served"')

    # Connections are accepted some at a time, each by a task that ends with that.
    await target.until("holds", lambda after: after["tasks"] - before["tasks"] < 10)
    after = await target.ask("holds")
    assert after["timers"] - before["timers"] < 10
    assert target.kept < count * 0.03 + 4.0


def cookies(size: int) -> str:
    """A cookie whose value is a text of backslashes (CVE-2024-7592)."""
    return 'Cookie: a="' + "\\" * size + '"\r\n'


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("transformer", ["websockets", "engine.io", "sockjs"])
async def test_cookies_of_backslashes_cost_little(
    targets: Targets, times: int, transformer: str, host: str
) -> None:
    options = {"transport": {"jsessionid": True}} if transformer == "sockjs" else {}
    target = await targets.server(transformer, host, token="secret", options=options)
    target.mark()

    for _ in range(10 * times):
        await http(target.port, "GET", "/primus/", headers=cookies(7500))

    assert target.worked < 1.0 * times  # it was 2.5 s on Python before 3.11.10 and 3.12.6


FORWARDED = {
    "X-Forwarded-For": "1.1.1.1, ",
    "X-Forwarded-For of proxies": "10.0.0.1, ",
    "Forwarded": "for=1.1.1.1, ",
    "Forwarded of quotes": 'for="[::1]";by="\\\\", ',
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", FORWARDED)
async def test_chains_of_addresses_cost_little(
    targets: Targets, times: int, name: str, host: str
) -> None:
    target = await targets.server(host=host)
    target.mark()

    for _ in range(5 * times):
        raw = await Raw.dial(target.port, buffer=None)
        header, text = name.split(maxsplit=1)[0], FORWARDED[name]
        lines = f"{header}: {(text * (7900 // len(text))).rstrip(', ')}\r\n" * 99
        await raw.flood(head("GET", "/primus/spec", lines + "Connection: close\r\n"))
        await raw.everything()
        raw.close()

    assert target.worked < 2.5 * times  # one took 6.3 s
