"""The cookies of a request, read as browsers write them (pure).

RFC 6265 section 5.4: pairs are parted by ``;``, a name ends at the first ``=``, and a value is
anything else. What is no pair is passed over and takes no other pair along. The cost is linear:
`http.cookies` refuses a header for one odd pair, and until Python 3.12.6 its time is quadratic
(CVE-2024-7592).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["parse_cookies"]

ESCAPED: Final = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)
"""How Python and other servers write characters within quotes."""


def parse_cookies(lines: Iterable[str]) -> dict[str, str]:
    """The cookies of every ``Cookie`` header by name; of one that is repeated, the last value.

    A value in quotes is unquoted, as `http.cookies` wrote it.
    """
    cookies: dict[str, str] = {}
    for line in lines:
        for pair in line.split(";"):
            name, equals, value = pair.partition("=")
            name = name.strip()
            if equals and name:
                cookies[name] = _unquoted(value.strip())
    return cookies


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    value = value[1:-1]
    return ESCAPED.sub(_character, value) if "\\" in value else value


def _character(match: re.Match[str]) -> str:
    octal, escaped = match.groups()
    return escaped if octal is None else chr(int(octal, 8))
