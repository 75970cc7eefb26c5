"""The example of a parser of one's own, in a real browser, which compresses in promises."""

import asyncio
import os
import re
import sys

import pytest

from harness.casts import OURS_IN_CHROMIUM, Cast
from harness.chromium import Chromium
from harness.inbox import DEADLINE
from harness.tools import REPOSITORY

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = re.compile(rb"http://[\w.]+:\d+")


async def test_what_a_page_writes_goes_compressed_to_the_server_and_back(cast: Cast) -> None:
    browser = (await cast.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(browser, Chromium)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        REPOSITORY / "examples" / "parser" / "main.py",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PORT": "0", "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        found = URL.search(await process.stdout.readline())
    assert found is not None
    tab = await browser.tab(f"{found[0].decode()}/")

    await tab.until("document.querySelector('#state').textContent === 'Connected'")
    await tab.run("for (const text of ['first', 'x'.repeat(5000), 'last']) primus.write(text)")
    said = await tab.until(
        "document.querySelectorAll('li').length === 3"
        " && [...document.querySelectorAll('li')].map((item) => item.textContent)"
    )

    assert not tab.errors
    await tab.close()
    process.terminate()
    await process.communicate()
    assert [line.split()[0][:10] for line in said] == ["last", "xxxxxxxxxx", "first"]
    characters, size = map(int, re.findall(r"\d+", said[1]))
    assert characters > 5000
    assert size < 100
