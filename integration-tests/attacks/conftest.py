"""The fixtures of the attacks: targets, each in a process of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from attacks.targets import Targets
from attacks.wires import Raw


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def all_targets() -> AsyncIterator[Targets]:
    """What makes the targets of the whole run."""
    targets = Targets()
    await targets.start()
    yield targets
    await targets.close()


@pytest_asyncio.fixture(loop_scope="session")
async def targets(all_targets: Targets) -> AsyncIterator[Targets]:
    """What makes the targets of one test, and ends them after it."""
    yield all_targets
    Raw.close_all()
    await all_targets.clear()


@pytest.fixture
def times(request: pytest.FixtureRequest) -> int:
    """What sizes are multiplied by: 1, or 10 with ``--long``."""
    return 10 if request.config.getoption("--long") else 1
