"""The fixtures of the integration tests: a cast of real peers, and a stage for each test."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from harness.casts import Cast
from harness.forks import forks
from harness.pairs import WITH_PLUGINS, Pair
from harness.stage import Stage


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of this folder."""
    config.addinivalue_line("markers", "slow: takes more than half a minute by nature")


def pytest_unconfigure() -> None:
    """End what the run has started for itself."""
    forks.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flags that run all of the Autobahn suite, and attacks ten times as large."""
    parser.addoption("--autobahn-full", action="store_true", help="run every Autobahn case")
    parser.addoption("--long", action="store_true", help="attack with ten times as much")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play the slow tests first: they wait, while other workers go on."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cast() -> AsyncIterator[Cast]:
    """The peers of the whole run."""
    cast = Cast()
    yield cast
    await cast.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(cast: Cast) -> AsyncIterator[Stage]:
    """A stage that is cleared after the test, on which no peer of ours may have logged an error."""
    stage = Stage(cast)
    yield stage
    await stage.clear()
    cast.assert_quiet(drops=stage.drops)


@pytest_asyncio.fixture(
    loop_scope="session",
    params=WITH_PLUGINS,
    ids=[f"{client}-to-{server}" for client, server in WITH_PLUGINS],
)
async def pair(request: pytest.FixtureRequest, stage: Stage) -> Pair:
    """A kind of client and a kind of server that can have plugins."""
    return Pair(stage, *request.param)
