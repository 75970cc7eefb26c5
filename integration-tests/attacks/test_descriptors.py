"""More connections than the process may have descriptors."""

import asyncio

import pytest

from attacks.targets import Targets
from attacks.wires import WIRES, Raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEBSOCKETS = WIRES[0]


async def test_a_server_without_descriptors_serves_those_it_has_and_says_it_once(
    targets: Targets, times: int
) -> None:
    target = await targets.server(descriptors=80)
    witness = await WEBSOCKETS.open(target.port)
    target.mark()

    raws = [await Raw.dial(target.port, buffer=None) for _ in range(80 + 40 * times)]
    for number in range(20):
        await WEBSOCKETS.answers(witness, f"[{number}]")
        await asyncio.sleep(0.05)

    assert target.log.lower().count("too many open files") <= 5
    assert target.log_size < 10_000  # 1,300 errors in a second were 570 kB
    assert "ulimit" in target.log or "RLIMIT_NOFILE" in target.log
    for raw in raws:
        raw.abort()
    async with asyncio.timeout(15):
        late = await WEBSOCKETS.open(target.port)
        await WEBSOCKETS.answers(late, '"served"')
