"""Why a value cannot be encoded: where in it the trouble is, and the cure.

Parsers refuse a message as a whole. What the user has to know is which part of it is at fault: the
smallest that the parser refuses by itself.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

from primus.callables import dispose
from primus.errors import ParserError
from primus.parser import Parser

__all__ = ["encoding_failure", "late_failure"]

Encode = Callable[[Any], object]

STEPS: Final = 16
"""How far into a message the path to a value goes."""
KEY_LENGTH: Final = 60
"""How many characters of a key are shown."""

CURES: Final[dict[str, str]] = {
    "Decimal": "Write str(value) or float(value) instead",
    "set": "Write list(value) instead",
    "frozenset": "Write list(value) instead",
    "bytes": "Write base64 text instead, or use a parser that has bytes (msgpack, binary, ejson)",
    "bytearray": "Write base64 text instead, or use a parser that has bytes (msgpack, binary)",
    "memoryview": "Write base64 text instead, or use a parser that has bytes (msgpack, binary)",
    "datetime": "Make it aware (tzinfo=UTC), or write value.isoformat() instead",
    "date": "Write value.isoformat() instead",
    "time": "Write value.isoformat() instead",
    "timedelta": "Write value.total_seconds() instead",
    "coroutine": "Await it first",
}
"""By the name of the type."""
ANY_CURE: Final = "Write text, numbers, lists and dicts instead"


def encoding_failure(error: Exception, parser: Parser, value: Any) -> ParserError:
    """The error for a value that cannot be encoded, with the path to what is at fault.

    Args:
        error: what the parser has raised.
        parser: that parser, which is asked about parts of the value as well.
        value: what it refused.
    """
    path, culprit, error = _located(error, parser.encode, value)
    cause = error.__cause__ if isinstance(error, ParserError) and error.__cause__ else error
    kind = type(culprit).__name__
    reason = str(cause) if isinstance(cause, TypeError | ValueError) else repr(cause)
    if not reason.startswith(kind):
        reason = f"{kind}: {reason}"
    failure = ParserError(f"cannot encode {path}: {reason}{_cure(culprit, parser)}")
    failure.path = path
    failure.__cause__ = cause
    return failure


def late_failure(error: Exception) -> ParserError:
    """The error for a value that an async parser could not encode."""
    if isinstance(error, ParserError):
        return error
    failure = ParserError(f"failed to encode outgoing data: {error!r}")
    failure.__cause__ = error
    return failure


def _cure(culprit: Any, parser: Parser) -> str:
    """What to write instead, as a sentence."""
    kind = type(culprit)
    if isinstance(culprit, dict | list | tuple | str | int | float) or culprit is None:
        return ""  # what is wrong with it, such as a key, has been said
    if hasattr(kind, "model_dump"):  # pydantic
        cure = 'Write value.model_dump(mode="json") instead'
    elif hasattr(kind, "__struct_fields__"):  # msgspec
        cure = "Write msgspec.to_builtins(value) instead"
    else:
        cure = CURES.get(kind.__name__, ANY_CURE)
    if hasattr(parser, "default"):
        cure += ", or let the parser convert it: parser=JSON(default=…), from primus import JSON"
    return f". {cure}."


def _located(error: Exception, encode: Encode, value: Any) -> tuple[str, Any, Exception]:
    """The path to the smallest part that is refused by itself, that part, and its error."""
    path, within = "data", [value]
    for _ in range(STEPS):
        found = _refused_part(encode, value)
        if found is None:
            return path, value, error
        step, part, refusal = found
        path += step
        if any(part is outer for outer in within):
            return path, part, ValueError("it is inside of itself")
        within.append(part)
        value, error = part, refusal
    return path + "…", value, error


def _refused_part(encode: Encode, value: Any) -> tuple[str, Any, Exception] | None:
    """The first part of a container that is refused by itself: its step, itself and its error."""
    for step, part in _parts(value):
        refusal = _refusal(encode, part)
        if refusal is not None:
            return step, part, refusal
    return None


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for key, part in value.items():
                shown = key[:KEY_LENGTH] if isinstance(key, str) else repr(key)[:KEY_LENGTH]
                step = json.dumps(shown, ensure_ascii=False) if isinstance(key, str) else shown
                yield f"[{step}]", part
        case list() | tuple():
            for index, part in enumerate(value):
                yield f"[{index}]", part
        case Enum():
            yield ".value", value.value
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                yield f".{field.name}", getattr(value, field.name)


def _refusal(encode: Encode, value: Any) -> Exception | None:
    """What a parser raises for a value."""
    try:
        dispose(encode(value))
    except Exception as error:
        return error
    return None
