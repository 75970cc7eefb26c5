"""What the workers write to one another before anything else: one line of JSON behind a letter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["CONNECTION", "REQUEST", "note", "path_of", "read_note", "secret_of"]

CONNECTION: Final = b"C"
"""A descriptor comes along, and behind the line the bytes that its client has sent already."""
REQUEST: Final = b"R"
"""Behind the line comes the body of a request, or a WebSocket."""


def note(kind: bytes, content: Mapping[str, Any]) -> bytes:
    """The line that a letter and `content` make."""
    return b"%b%b\n" % (kind, json.dumps(content, separators=(",", ":")).encode())


def read_note(line: bytes) -> dict[str, Any]:
    """The content of a line.

    Raises:
        ValueError: it is none.
    """
    content = json.loads(line[1:])
    if not isinstance(content, dict):
        raise ValueError(f"a note holds an object, not {type(content).__name__}")
    return content


def secret_of(folder: str) -> Path:
    """Where the workers find their secret; no worker has a name that begins with a dot."""
    return Path(folder, ".secret")


def path_of(folder: str, node: str) -> str:
    """Where a worker is reached."""
    return f"{folder}/{node}"
