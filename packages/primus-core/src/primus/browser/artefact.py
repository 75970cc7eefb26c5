"""`Artefact`: a file of the browser client as it is served, compressed once for all requests."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Final

__all__ = ["Artefact", "codings", "integrity"]

GZIP: Final = (9, zlib.DEFLATED, 31)
"""The highest level, and a window of 32 KiB within the format of gzip."""


class Artefact:
    """The text of a file, and its compressed forms.

    Args:
        text: what is in it.
        content_type: what it is.

    ``digest`` is the first 16 hexadecimal digits of the SHA-256 of its bytes, for URLs and entity
    tags.
    """

    __slots__ = ("_coded", "_pending", "content", "content_type", "digest")

    def __init__(self, text: str, content_type: str) -> None:
        self.content = text.encode()
        self.content_type = content_type
        self.digest = hashlib.sha256(self.content).hexdigest()[:16]
        self._coded: dict[str, bytes] = {}
        self._pending: dict[str, asyncio.Task[bytes]] = {}
        """Compressions that are under way, each of which all requests wait for that want it."""

    @property
    def integrity(self) -> str:
        """The value of the attribute ``integrity`` of an element that loads it."""
        return integrity(self.content)

    def tag(self, coding: str) -> str:
        """The entity tag of a form: a strong one, so that each coding has its own."""
        return f'"{self.digest}-{coding}"' if coding in COMPRESSORS else f'"{self.digest}"'

    def ready(self, coding: str) -> bytes | None:
        """The bytes in a coding; `None` while they are to be compressed: see `coded`."""
        return self._coded.get(coding) if coding in COMPRESSORS else self.content

    async def coded(self, coding: str) -> bytes:
        """The bytes in one of `codings`, compressed in a thread by the first call.

        The best level takes a tenth of a second, more than the event loop may be held.
        """
        pending = self._pending.get(coding)
        if pending is None:
            pending = self._pending[coding] = asyncio.create_task(self._compress(coding))
        # A client that goes meanwhile does not end it for the others.
        return await asyncio.shield(pending)

    async def _compress(self, coding: str) -> bytes:
        try:
            made = await asyncio.to_thread(COMPRESSORS[coding], self.content)
        finally:
            del self._pending[coding]
        self._coded[coding] = made
        return made


def integrity(content: bytes) -> str:
    """The digest of a file in the form of Subresource Integrity."""
    return f"sha384-{b64encode(hashlib.sha384(content).digest()).decode()}"


def _gzip(content: bytes) -> bytes:
    compressor = zlib.compressobj(*GZIP)
    return compressor.compress(content) + compressor.flush()


def _brotli(content: bytes) -> bytes:
    compress = _brotli_compressor()
    assert compress is not None
    return compress(content)


COMPRESSORS: Final[dict[str, Callable[[bytes], bytes]]] = {"br": _brotli, "gzip": _gzip}


@cache
def _brotli_compressor() -> Callable[[bytes], bytes] | None:
    for name in ("brotli", "brotlicffi"):
        try:
            compress: Callable[[bytes], bytes] = import_module(name).compress
        except ImportError:
            continue
        return compress
    return None


@cache
def codings() -> tuple[str, ...]:
    """The content codings that can be made, the best first: ``br`` with the extra ``brotli``."""
    return ("gzip",) if _brotli_compressor() is None else ("br", "gzip")
