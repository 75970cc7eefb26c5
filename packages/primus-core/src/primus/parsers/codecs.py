"""The libraries that read and write JSON, with equal results (pure).

orjson is the fastest and does all of it; its refusals are the rule for the others. Without it
msgspec reads, and the standard library writes: msgspec writes sets, bytes and decimals, which no
peer reads as such. Without either, the standard library does both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

__all__ = ["CODECS", "Codec", "installed_codec"]


class Codec(NamedTuple):
    """How a library reads and writes JSON.

    ``dumps(value, default=None)`` gives compact UTF-8, and raises `TypeError` for what it refuses.
    ``loads(frame)`` takes text and UTF-8 bytes, and raises `ValueError`.
    """

    name: str
    dumps: Callable[..., bytes]
    loads: Callable[[Any], Any]


def _with_orjson() -> Codec:
    import orjson

    return Codec("orjson", orjson.dumps, orjson.loads)


def _with_msgspec() -> Codec:
    import re

    from msgspec.json import decode

    from primus.parsers import standard
    from primus.parsers.standard import SHORT, text_of

    long_number, digit = re.compile("[0-9]{19}"), re.compile("[0-9]")

    def loads(frame: str | bytes) -> Any:
        """The value in `frame`; what msgspec reads in another way is left to the library."""
        text = text_of(frame)
        if digit.search(text[SHORT :: SHORT + 1]) and long_number.search(text):  # no run is missed
            return standard.loads(text)
        try:
            value = decode(text)
        except RecursionError:
            return standard.loads(text)
        standard.check_depth(text)
        return value

    return Codec("msgspec", standard.dumps, loads)


def _with_json() -> Codec:
    from primus.parsers.standard import dumps, loads, text_of

    return Codec("json", dumps, lambda frame: loads(text_of(frame)))


CODECS: Final[dict[str, Callable[[], Codec]]] = {
    "orjson": _with_orjson,
    "msgspec": _with_msgspec,
    "json": _with_json,
}
"""By name, the fastest first; each raises `ImportError` when its library is not installed."""


@cache
def installed_codec() -> Codec:
    """The fastest of those that are installed."""
    for make in CODECS.values():
        try:
            return make()
        except ImportError:
            continue
    raise AssertionError("the standard library is always there")
