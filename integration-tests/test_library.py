"""The browser client over HTTP, as curl asks for it."""

import asyncio
from pathlib import Path

import pytest

from harness.tools import missing, program
from primus import Primus

pytestmark = pytest.mark.asyncio(loop_scope="session")

LARGEST = 12_200
"""Bytes of the client of `websockets` and JSON, minified and compressed with gzip."""


async def curl(*arguments: str) -> str:
    """What curl writes."""
    command = (program("curl", install="apt install curl"), "--silent", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_curl_gets_the_minified_client_once(tmp_path: Path) -> None:
    primus = await Primus.create_server(host="127.0.0.1", port=0, iknowhttpsisbetter=True)
    try:
        text = primus.library(minified=True)
        if text == primus.library():
            missing("the minified client", "python tools/minifying.py")
        tag, file = tmp_path / "tag", tmp_path / "primus.js"
        asked = ("--compressed", "--etag-save", str(tag), "--etag-compare", str(tag))
        asked += ("--write-out", "%{http_code} %{size_download}", "--output", str(file))

        first = await curl(*asked, f"{primus.url}/primus/primus.js")
        assert file.read_text() == text
        second = await curl(*asked, f"{primus.url}/primus/primus.js")
    finally:
        await primus.destroy()

    status, size = first.split()
    assert status == "200"
    assert 0 < int(size) <= LARGEST
    assert second == "304 0"
    assert file.read_text() == text
