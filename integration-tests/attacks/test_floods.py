"""Floods by peers that read nothing: what is owed to a peer is bounded, whatever it asks for."""

import pytest

from attacks.targets import Targets
from attacks.wires import (
    HOSTS,
    PING,
    TEXT,
    WIRES,
    Wire,
    engineio_path,
    engineio_session,
    frame,
    http,
    open_websocket,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

MUCH = 16 * 10**6
"""Bytes that a flood sends: 16 times what may be owed to a peer."""
BOUND = 6.0
"""Megabytes that the server may need for it. A server that kept the answers needed all of MUCH."""
OPTIONS = {"high_water": 256 * 1024}


def pings(wire: Wire) -> bytes:
    """WebSocket pings, as large as they may be."""
    return frame(PING, b"p" * 125)


def primus_pings(wire: Wire) -> bytes:
    """Pings of clients of Primus 5 and 6."""
    return wire.message('"primus::ping::' + "1" * 200 + '"')


def questions(wire: Wire) -> bytes:
    """Questions for the id of the spark."""
    return wire.message('"primus::id::"')


def engineio_pings(wire: Wire) -> bytes:
    """Pings of Engine.IO 3."""
    return frame(TEXT, b"2" + b"p" * 1000)


FLOODS = [
    pytest.param(flood, wire, host, id=f"{flood.__name__}-{wire.name}-{host}")
    for wire in WIRES
    for host in HOSTS
    for flood in (pings, primus_pings, questions, engineio_pings)
    if (flood is not engineio_pings or wire.name == "engine.io-3")
    and (flood is not questions or host == "own")
    and (flood is not pings or host != "uvicorn")  # it answers by itself, and keeps what it owes
]


@pytest.mark.parametrize(("flood", "wire", "host"), FLOODS)
async def test_a_peer_that_reads_nothing_cannot_fill_the_memory_by_asking(
    targets: Targets, times: int, flood: object, wire: Wire, host: str
) -> None:
    target = await targets.server(wire.transformer, host, options=OPTIONS)
    witness = await wire.open(target.port)
    attacker = await wire.open(target.port)
    one = flood(wire)
    block = one * (64 * 1024 // len(one))
    await wire.answers(witness, '"before"')
    target.mark()

    await attacker.flood(block, times * MUCH // len(block))

    assert target.peak < BOUND
    await wire.answers(witness, '"after"')
    attacker.close()
    witness.close()


@pytest.mark.parametrize("probe", [True, False], ids=["probed", "not probed"])
@pytest.mark.parametrize("host", ["own", "aiohttp"])
async def test_a_websocket_that_is_tried_out_cannot_fill_the_memory_by_pings(
    targets: Targets, times: int, host: str, probe: bool
) -> None:
    target = await targets.server("engine.io", host, options=OPTIONS)
    sid = await engineio_session(target.port, 3)
    path = f"/primus/?EIO=3&transport=websocket&sid={sid}"
    attacker = await open_websocket(target.port, path)
    target.mark()

    if probe:
        await attacker.send(frame(TEXT, b"2probe"))
    await attacker.flood(frame(PING, b"p" * 125) * 500, 600 * times, patience=5)

    assert target.peak < BOUND  # 39 MB of pings needed 50 and 106


@pytest.mark.parametrize("host", ["own", "uvicorn"])
async def test_channels_without_end_cannot_fill_the_memory(
    targets: Targets, times: int, host: str
) -> None:
    (wire,) = [wire for wire in WIRES if wire.name == "websockets"]
    target = await targets.server(
        wire.transformer, host, options={**OPTIONS, "plugin": "multiplex"}
    )
    witness = await wire.open(target.port)
    attacker = await wire.open(target.port)
    await wire.answers(witness, '"before"')
    target.mark()

    for block in range(50 * times):
        names = (f"{block}-{each}".ljust(120, "x") for each in range(500))
        await attacker.flood(b"".join(wire.message(f'[1,"{n}","{n}"]') for n in names), 1)

    assert target.peak < BOUND  # 25,000 channels needed 12 and 25 MB
    await wire.answers(witness, '"after"')
    attacker.close()
    witness.close()


async def post(port: int, sid: str, revision: int, body: bytes) -> int:
    """Post to a session; 0 when the server hangs up."""
    try:
        return (await http(port, "POST", engineio_path(sid, revision), body)).status
    except (ConnectionError, TimeoutError):
        return 0


@pytest.mark.parametrize("host", HOSTS)
async def test_a_session_that_is_not_polled_cannot_fill_the_memory_by_posted_pings(
    targets: Targets, times: int, host: str
) -> None:
    target = await targets.server("engine.io", host, options=OPTIONS)
    sid = await engineio_session(target.port, 3)
    body = b"1:2" * 30_000
    target.mark()

    for _ in range(10 * times):
        if await post(target.port, sid, 3, body) != 200:
            break

    assert target.peak < 8.0  # 0.9 MB of pings needed 22 MB
