"""What each parser makes of three real messages: bytes on the wire, time to encode and decode.

    python benchmarks/parsers.py            prints the tables
    python benchmarks/parsers.py --write    puts them into docs/parser-costs.md

Needs the parsers installed; `msgspec` is measured beside `msgpack` when it is there. The times are
the best of several runs: the least that others on the machine could disturb.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from primus.registry import parser_named

PAGE = Path(__file__).parents[1] / "docs" / "parser-costs.md"
PARSERS = ("json", "ejson", "msgpack", "binary")
RUNS = 40
SECONDS = 0.005

MOMENT = datetime(2026, 11, 24, 15, 30, 0, 123_000, UTC)
CHAT = {
    "type": "message",
    "room": "lobby",
    "from": {"id": 4711, "name": "Ädele"},
    "text": "Is this on? \U0001f600",
    "at": MOMENT,
}
STATE = {
    "tick": 123_456,
    "players": [
        {
            "id": number,
            "name": f"player {number}",
            "x": number * 12.25 - 300,
            "y": 17.5 * number,
            "alive": number % 7 != 0,
            "items": ["sword", "shield", number * 100],
        }
        for number in range(48)
    ],
}
CHUNK = {"file": "photo.jpg", "index": 17, "last": False, "data": bytes(range(256)) * 16}
MESSAGES = {
    "a chat message": CHAT,
    "the state of a game": STATE,
    "4 KB of a file": CHUNK,
}

Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def main() -> None:
    """Measure everything; print it, or write it into the page."""
    text = "\n".join(report())
    if sys.argv[1:] == ["--write"]:
        begin, end = "<!-- measured -->\n", "<!-- end -->"
        page = PAGE.read_text("utf-8")
        page = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)
        PAGE.write_text(page, "utf-8")
    else:
        print(text)


def report() -> Iterable[str]:
    """The lines of the page that are measured."""
    yield (
        f"Measured with {platform.python_implementation()} {platform.python_version()}, orjson "
        f"{version('orjson')} and msgpack {version('msgpack')} on {platform.system()} "
        f"{platform.machine()}; times in microseconds."
    )
    yield "\n## The parsers"
    for title, message in MESSAGES.items():
        yield f"\n### {title[0].upper()}{title[1:]}\n"
        yield from table((name, parser(name), for_parser(name, message)) for name in PARSERS)
    yield "\n## JSON by orjson, and by the standard library"
    for title, message in (("a chat message", CHAT), ("the state of a game", STATE)):
        yield f"\n### {title[0].upper()}{title[1:]}\n"
        value = for_parser("json", message)
        yield from table((name, codec, value) for name, codec in json_codecs().items())
    if find_spec("msgspec"):
        yield "\n## MessagePack by msgpack, and by msgspec"
        for title, message in MESSAGES.items():
            yield f"\n### {title[0].upper()}{title[1:]}\n"
            value = json_dates(message)
            yield from table((name, codec, value) for name, codec in msgpack_codecs().items())


def parser(name: str) -> Codec:
    """The two functions of a parser."""
    found: Any = parser_named(name)[1]
    return found.encode, found.decode


def json_codecs() -> dict[str, Codec]:
    """The JSON parser beside the standard library alone, as compact as the parser."""
    compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
    return {"orjson (the parser)": parser("json"), "json": (compact.encode, json.loads)}


def msgpack_codecs() -> dict[str, Codec]:
    """The two libraries, with nothing around them."""
    import msgpack
    import msgspec

    fast = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
    return {"msgpack": (msgpack.packb, msgpack.unpackb), "msgspec": fast}


def for_parser(name: str, value: Any) -> Any:
    """`value` as an application would write it: JSON has neither bytes nor dates."""
    if isinstance(value, dict):
        return {key: for_parser(name, item) for key, item in value.items()}
    if isinstance(value, list):
        return [for_parser(name, item) for item in value]
    if isinstance(value, bytes) and name == "json":
        return b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) and name == "json" else value


def json_dates(value: dict[str, Any]) -> dict[str, Any]:
    """`value` with its date as text, which both libraries write alike."""
    return {**value, "at": value["at"].isoformat()} if "at" in value else value


def table(rows: Iterable[tuple[str, Codec, Any]]) -> Iterable[str]:
    """A table with a row for each way to write a value."""
    yield "| | bytes | encode | decode |"
    yield "|---|--:|--:|--:|"
    for name, (encode, decode), value in rows:
        frame = encode(value)
        size = len(frame.encode() if isinstance(frame, str) else frame)
        times = best(encode, value), best(decode, frame)
        yield f"| {name} | {size} | {times[0]:.1f} | {times[1]:.1f} |"


def best(function: Callable[[Any], Any], argument: Any) -> float:
    """The least time of one call, in microseconds."""
    calls = 1
    while timed(function, argument, calls) < SECONDS:
        calls *= 2
    least = min(timed(function, argument, calls) for _ in range(RUNS))
    return least / calls * 1e6


def timed(function: Callable[[Any], Any], argument: Any, calls: int) -> float:
    """Seconds that some calls take."""
    began = perf_counter()
    for _ in range(calls):
        function(argument)
    return perf_counter() - began


if __name__ == "__main__":
    main()
