"""One that floods, and others that are quiet: how many of its messages go before one of theirs."""

from itertools import product

import pytest

from attacks.targets import Targets
from attacks.wires import HANDED_OVER, HOSTS, WIRES, Wire, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [
    pytest.param(wire, host, id=f"{wire.name}-{host}")
    for wire, host in (*product(WIRES, HOSTS), *HANDED_OVER)
]
ROUNDS = 10


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_the_messages_of_others_are_not_behind_all_of_a_flood(
    targets: Targets, wire: Wire, host: str
) -> None:
    target = await targets.server(wire.transformer, host, listener="quiet")
    quiet = [await wire.open(target.port, buffer=None) for _ in range(20)]
    flooder = await targets.make()
    block = (wire.message("[1]") * 5000).decode("latin-1")
    await flooder.ask("pour", port=target.port, opening=upgrade(wire.path()).decode(), block=block)
    await target.until("news", lambda news: sum(news["handled"].values()) > 1000)
    await target.ask("count_turns")

    for _ in range(ROUNDS):
        for raw in quiet:
            await raw.send(wire.message('"primus::id::"'))
        for raw in quiet:
            await raw.receive()

    # 65, or 120 of lws. A turn without a budget took 25,000 and more before any of the others.
    assert 0 < await target.ask("most_in_a_turn") < 500
