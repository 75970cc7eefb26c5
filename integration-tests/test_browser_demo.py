"""The demo as a person uses it: two tabs that chat, and a server that goes away and comes back.

What the person sees is kept as pictures under ``.cache/integration-tests/screenshots``.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, Cast
from harness.chromium import Chromium, Tab
from harness.example import example

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def demo() -> AsyncIterator[str]:
    """The URL of a demo server."""
    async with example("demo", "--port", "0", "--outage", "2") as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(cast: Cast, demo: str) -> AsyncIterator[list[Tab]]:
    """Two tabs with the demo, both connected."""
    browser = (await cast.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(browser, Chromium)
    tabs = [await browser.tab(f"{demo}/") for _ in range(2)]
    for tab in tabs:
        await tab.until("document.querySelectorAll('#people li').length === 2")
    yield tabs
    for tab in tabs:
        assert not tab.errors
        await tab.close()


async def say(tab: Tab, text: str) -> None:
    """Type into the page, and press Enter."""
    await tab.run("document.getElementById('text').focus()")
    await tab.call("Input.insertText", text=text)
    for kind in ("keyDown", "keyUp"):
        await tab.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
            windowsVirtualKeyCode=13,
        )  # fmt: skip


def shows(text: str, *, by: str) -> str:
    """A condition: the page shows that ``text`` was said by ``mine`` or by ``others``."""
    said = "li.said.mine" if by == "mine" else "li.said:not(.mine)"
    return f"[...document.querySelectorAll('{said}')].some((li) => li.innerText.includes({text!r}))"


async def test_two_tabs_chat(tabs: list[Tab]) -> None:
    one, other = tabs

    await say(one, "Hello from the first tab")
    await other.until(shows("Hello from the first tab", by="others"))
    await say(other, "And hello back \U0001f44b <b>not bold</b>")
    await one.until(shows("And hello back \U0001f44b <b>not bold</b>", by="others"))

    await one.call("Page.bringToFront")
    await one.until(shows("Hello from the first tab", by="mine"))
    await one.until("Number(document.getElementById('latency').textContent) >= 0")
    assert await one.run("document.getElementById('transformer').textContent") == "websockets"
    assert await one.run("document.getElementById('parser').textContent") == "json"
    assert await one.run("document.querySelectorAll('li.said b').length") == 0
    assert (await one.screenshot("demo-chat")).stat().st_size > 10_000


async def test_the_server_is_dropped_and_the_tabs_count_down_and_come_back(
    tabs: list[Tab],
) -> None:
    one, other = tabs
    before = await one.run("document.body.dataset.state")

    await one.run("document.getElementById('drop').click()")
    for tab in tabs:
        await tab.until(f"document.body.dataset.state !== {before!r}")
    await one.call("Page.bringToFront")
    await one.until("document.getElementById('seconds').textContent.trim()")
    await say(one, "Written during the outage")
    await one.screenshot("demo-reconnecting")

    for tab in tabs:
        await tab.until(f"document.body.dataset.state === {before!r}", within=30)
    await other.until(shows("Written during the outage", by="others"), within=30)


@pytest.mark.parametrize("transformer", ["browserchannel", "socket.io", "sockjs", "engine.io"])
async def test_every_client_works_in_a_page_whose_policy_forbids_eval(
    cast: Cast, transformer: str
) -> None:
    browser = (await cast.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(browser, Chromium)
    async with example("demo", "--port", "0", "--transformer", transformer) as url:
        tab = await browser.tab(f"{url}/")

        await tab.until("document.querySelectorAll('#people li').length === 1")
        shown = "document.getElementById('transformer').textContent"
        await tab.until(f"{shown} === '{transformer}'")
        await tab.close()
