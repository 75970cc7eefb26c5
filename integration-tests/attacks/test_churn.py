"""Connections that come and go, in every way they can."""

import asyncio
import socket

import pytest

from attacks.targets import Targets
from attacks.wires import HOSTS, WIRES, Raw, Wire, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [pytest.param(wire, host, id=f"{wire.name}-{host}") for wire in WIRES for host in HOSTS]


async def visit(wire: Wire, port: int, number: int) -> None:
    """Come, and leave in one of six ways."""
    if number % 6 == 0:
        raw = await Raw.dial(port)
        await raw.send(upgrade(wire.path())[: 20 + number])
        raw.close()
        return
    if number % 6 == 1:
        raw = await Raw.dial(port)
        await raw.send(upgrade(wire.path()))
        raw.abort()
        return
    raw = await wire.open(port)
    await raw.send(wire.message("[1]"))
    match number % 6:
        case 2:
            raw.abort()
        case 3:
            raw.socket.shutdown(socket.SHUT_WR)
            await raw.everything()
            raw.close()
        case 4:
            await raw.send(wire.message("[1]")[:-1])
            raw.close()
        case _:
            raw.socket.shutdown(socket.SHUT_RD)
            raw.close()


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_nothing_stays_of_connections_that_have_gone(
    targets: Targets, times: int, wire: Wire, host: str
) -> None:
    options = {} if wire.transformer != "engine.io" else {"transport": {"ping_interval": 1.0}}
    target = await targets.server(wire.transformer, host, options=options)
    for number in range(12):
        await visit(wire, target.port, number)
    before = await target.until("holds", lambda found: found["sparks"] == 0)
    await asyncio.sleep(0.05)
    before = await target.ask("holds")
    descriptors = target.descriptors

    for _ in range(5 * times):
        await asyncio.gather(*(visit(wire, target.port, number) for number in range(24)))

    def same(found: dict) -> bool:
        counted = [name for name in found["kinds"] if "park" in name or "ession" in name]
        return (
            found["sparks"] == 0
            and found["tasks"] <= before["tasks"]
            and found["timers"] <= before["timers"] + 2
            and all(found["kinds"][each] <= before["kinds"].get(each, 0) for each in counted)
        )

    await target.until("holds", same, within=30)
    assert target.descriptors <= descriptors + 1
    assert "Traceback" not in target.log
