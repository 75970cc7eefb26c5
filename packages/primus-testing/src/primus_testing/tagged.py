"""JSON with dates and bytes, for tests that compare what peers in other languages say.

``{"@date": 1700000000000}`` is an aware `datetime`, ``{"@bytes": "AQI="}`` is `bytes`, and
``{"@number": "Infinity"}`` a number that JSON has not. It has nothing to do with any parser.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from primus.parsers.values import from_milliseconds, to_milliseconds

__all__ = ["Golden", "dumps", "golden", "loads"]


@dataclass(frozen=True, slots=True)
class Golden:
    """Values with the frames that a peer makes of them, for `ParserContract`.

    ``both`` are encoded to those frames here as well; ``decoded`` are not, because there is more
    than one frame for the value.
    """

    both: tuple[tuple[Any, str | bytes], ...]
    decoded: tuple[tuple[Any, str | bytes], ...]


def golden(path: Path) -> Golden:
    """The vectors in a file: objects with ``value``, ``frame`` and, if so, ``"decodes": true``."""
    vectors = loads(path.read_text("utf-8"))
    pairs = [((each["value"], each["frame"]), "decodes" in each) for each in vectors]
    return Golden(
        both=tuple(pair for pair, only_decoded in pairs if not only_decoded),
        decoded=tuple(pair for pair, only_decoded in pairs if only_decoded),
    )


def dumps(value: Any) -> str:
    """`value` as one line of tagged JSON."""
    return json.dumps(value, default=_tagged)


def loads(text: str | bytes) -> Any:
    """The value of tagged JSON."""
    return json.loads(text, object_hook=_untagged)


def _tagged(value: Any) -> dict[str, Any]:
    match value:
        case datetime():
            return {"@date": to_milliseconds(value)}
        case bytes():
            return {"@bytes": b64encode(value).decode()}
        case _:
            raise TypeError(f"{type(value).__name__} has no tag")


def _untagged(value: dict[str, Any]) -> Any:
    match value:
        case {"@date": moment}:
            return from_milliseconds(moment)
        case {"@bytes": text}:
            return b64decode(text)
        case {"@number": text}:
            return float(text)
        case _:
            return value
