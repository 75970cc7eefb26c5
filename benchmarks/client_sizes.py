"""What the browser client of each transformer costs a page that loads it, in kilobytes."""

from __future__ import annotations

import asyncio

from primus import Primus
from primus.browser import Artefact
from primus.browser.artefact import codings

from .tables import table

__all__ = ["sizes"]

TRANSFORMERS = ("websockets", "lws", "faye", "engine.io", "sockjs", "socket.io", "browserchannel")
TITLES = {"gzip": "minified, gzip", "br": "minified, brotli"}


def sizes() -> str:
    """A table of the clients for JSON, without plugins: readable, minified, and compressed."""
    offered = [coding for coding in TITLES if coding in codings()]
    rows = [[name, *asyncio.run(_sizes(name, offered))] for name in TRANSFORMERS]
    return table(["client", "readable", "minified", *(TITLES[each] for each in offered)], rows)


async def _sizes(transformer: str, offered: list[str]) -> list[str]:
    primus = Primus(transformer=transformer)
    served = Artefact(primus.library(minified=True), "text/javascript")
    readable = len(primus.library().encode())
    found = [readable, len(served.content), *[len(await served.coded(each)) for each in offered]]
    return [f"{size / 1000:.1f}" for size in found]
