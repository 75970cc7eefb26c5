"""A server that echoes every frame as it is, for suites that know nothing of Primus."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from primus import Primus


class Verbatim:
    """A parser that leaves frames alone."""

    def encode(self, value: Any) -> Any:
        """The frame itself."""
        return value

    def decode(self, frame: Any) -> Any:
        """The frame itself."""
        return frame


@asynccontextmanager
async def echoing(**options: Any) -> AsyncIterator[Primus]:
    """Run a server on a free port of this machine, without the heartbeat of Primus."""
    logging.basicConfig(level=logging.WARNING)
    primus = await Primus.create_server(
        host="127.0.0.1",
        parser=Verbatim(),
        timeout=False,
        ping_interval=False,
        iknowhttpsisbetter=True,
        **options,
    )

    @primus.on("connection")
    def connection(spark: Any) -> None:
        spark.on("data", spark.write)

    try:
        yield primus
    finally:
        await primus.destroy()
