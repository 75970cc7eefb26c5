"""The board of pixels in two tabs, and the robot that paints it from Python."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, Cast
from harness.chromium import Chromium, Tab
from harness.example import example
from harness.tools import REPOSITORY

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAINTED = "[...document.querySelectorAll('#board button')].filter((b) => b.style.background).length"


@pytest_asyncio.fixture(loop_scope="session")
async def board() -> AsyncIterator[str]:
    """The URL of the board."""
    async with example("pixels") as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(cast: Cast, board: str) -> AsyncIterator[list[Tab]]:
    """Two tabs with the board, both ready."""
    browser = (await cast.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(browser, Chromium)
    tabs = [await browser.tab(f"{board}/") for _ in range(2)]
    for tab in tabs:
        await tab.until("said.textContent.startsWith('Choose')")
    yield tabs
    for tab in tabs:
        assert not tab.errors
        await tab.run("primus.destroy()")
        await tab.close()


def press(selector: str) -> str:
    down = "new PointerEvent('pointerdown', { bubbles: true })"
    return f"document.querySelector(`{selector}`).dispatchEvent({down}); void 0"


async def test_what_one_tab_or_the_robot_paints_the_other_shows(
    tabs: list[Tab], board: str
) -> None:
    one, other = tabs
    await one.run(press('[aria-label="3, 4"]'))
    await other.until("squares[4 * SIZE + 3].style.background === 'crimson'")
    await one.until("said.textContent === '1 pixels have been painted.'")

    await one.run("document.querySelector('[title^=pink]').click()")
    await one.run(press('[aria-label="0, 0"]'))
    await one.until("said.textContent.startsWith('pixel.colour: ')")
    assert await other.run("squares[0].style.background") == ""

    robot = REPOSITORY / "examples" / "pixels" / "robot.py"
    process = await asyncio.create_subprocess_exec(sys.executable, robot, board)
    assert await process.wait() == 0
    await one.until(f"{PAINTED} > 90")
    await other.until(f"{PAINTED} === {await one.run(PAINTED)}")
    await other.screenshot("pixels")
