"""A server that is told to leave while peers send as fast as they can."""

import pytest

from attacks.targets import Targets
from attacks.wires import HOSTS, WIRES, Wire, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [pytest.param(wire, host, id=f"{wire.name}-{host}") for wire in WIRES for host in HOSTS]


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_sigterm_under_load_is_obeyed_within_the_limits(
    targets: Targets, wire: Wire, host: str
) -> None:
    options = {"transport": {"close_timeout": 0.5}}
    target = await targets.server(wire.transformer, host, options=options)
    flooder = await targets.make()
    block = (wire.message("[" + "1," * 100 + "1]") * 300).decode("latin-1")
    for _ in range(5):
        opening = upgrade(wire.path()).decode()
        await flooder.ask("pour", port=target.port, opening=opening, block=block)
    await target.until("news", lambda news: sum(news["handled"].values()) > 1000)

    target.stop()

    # Its own limits are below a second, and turns of uvicorn under a flood are long. With a drain
    # of one second and the default `close_timeout` it was still there after 45.
    await target.gone(30)
    assert "Traceback" not in target.log
