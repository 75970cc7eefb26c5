"""JSON, compressed with zlib: a parser of one's own."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from primus.browser import Browser

LARGEST = 1_000_000
"""Bytes of JSON that a message may have. Few bytes can unpack to very many."""


class ZippedJSON:
    """Any object with `encode` and `decode` is a parser; the rest is optional."""

    name = "zipped-json"
    binary = True

    def encode(self, value: Any) -> bytes:
        """The frame for a value."""
        return zlib.compress(json.dumps(value).encode())

    def decode(self, frame: bytes) -> Any:
        """The value in a frame; whatever is raised here is a `ParserError` of that connection."""
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(frame, LARGEST)
        if not unpacking.eof:
            raise ValueError("the message is too large, or breaks off")
        return json.loads(text)

    @staticmethod
    def browser() -> Browser:
        """The browser half."""
        return Browser(client=Path(__file__).with_suffix(".js").read_text("utf-8"))
