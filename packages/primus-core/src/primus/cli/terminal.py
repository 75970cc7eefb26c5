"""Text of peers in a form that a terminal shows and does not obey (pure)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["printable"]

OBEYED: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but for tabs and line ends, those which change the direction of what follows,
and surrogates, which no terminal can be sent."""


def printable(text: str) -> str:
    r"""`text` with control characters as escapes of JSON, such as ``\u001b``.

    A terminal obeys what comes after one: it moves the cursor over what was shown before, names the
    window, writes to the clipboard. Within JSON the result is the same JSON.
    """
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
