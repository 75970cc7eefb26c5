"""The lines of standard input, while an event loop runs."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

__all__ = ["read_lines"]


def read_lines(loop: asyncio.AbstractEventLoop, put: Callable[[str | None], object]) -> None:
    """Call ``put(line)`` on the loop for each line, without its end, and ``put(None)`` at last.

    A thread reads the file descriptor itself. `sys.stdin` has a lock, which a reading thread
    holds, so that Python could not exit before another line is typed.
    """

    def read() -> None:
        with suppress(RuntimeError):  # the loop has been closed: the rest is not needed
            for line in _lines(sys.stdin.fileno(), sys.stdin.encoding):
                loop.call_soon_threadsafe(put, line)
            loop.call_soon_threadsafe(put, None)

    Thread(target=read, name="primus-input", daemon=True).start()


def _lines(descriptor: int, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest = ""
    while True:
        chunk = os.read(descriptor, 1 << 16)
        *lines, rest = (rest + decoder.decode(chunk, final=not chunk)).split("\n")
        yield from (line.removesuffix("\r") for line in lines)
        if not chunk:
            break
    if rest:
        yield rest
