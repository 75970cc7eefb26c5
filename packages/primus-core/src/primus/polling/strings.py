"""JSON arrays of strings, as clients of polling transformers send them (pure)."""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import Final

from primus.errors import LimitError, ProtocolError

__all__ = ["parse_strings", "skip_blank"]

DECODER: Final = JSONDecoder()
BLANK: Final = re.compile(r"[ \t\n\r]*")


def parse_strings(text: str, at: int, at_most: int, option: str) -> tuple[list[str], int]:
    """The strings of the array that begins in `text` at `at`, and where it ends.

    Strings are taken one by one, so that `at_most` bounds what an array of many empty ones can
    make us build.

    Args:
        text: what a client has sent.
        at: where the array begins.
        at_most: how many strings it may have.
        option: the option that says so.

    Raises:
        ProtocolError: there is something else.
        LimitError: there are more than `at_most` strings.
    """
    if text[at : at + 1] != "[":
        raise ProtocolError("an array of strings is expected")
    strings: list[str] = []
    at = skip_blank(text, at + 1)
    if text[at : at + 1] == "]":
        return strings, at + 1
    while text[at : at + 1] == '"':
        if len(strings) >= at_most:
            raise LimitError(f"more than {at_most} messages at once", option)
        try:
            string, at = DECODER.raw_decode(text, at)
        except ValueError as error:
            raise ProtocolError(f"broken JSON: {error}") from error
        strings.append(string)
        at = skip_blank(text, at)
        mark = text[at : at + 1]
        if mark == "]":
            return strings, at + 1
        if mark != ",":
            break
        at = skip_blank(text, at + 1)
    raise ProtocolError(f"an array of strings is expected, at character {at}")


def skip_blank(text: str, at: int) -> int:
    """Where the text goes on behind blanks."""
    match = BLANK.match(text, at)
    assert match is not None
    return match.end()
