"""The packets of substream, and what they mean (pure).

    {"substream": "chat", "args": …}                  a message
    {"substream": "chat", "args": "substream::end"}   the end of the stream

A message that is the text ``substream::end`` itself would be taken for the end. It travels as
``{"substream": "chat", "args": "substream::substream::end", "escaped": true}``: a peer that
does not know the third member, as substream for Node, gets the longer text and no end.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = ["Packet", "end", "message", "read"]

END: Final = "substream::end"
ESCAPED_END: Final = "substream::substream::end"


class Packet(NamedTuple):
    """A message of the stream with that name, or its end."""

    name: str
    data: Any
    is_end: bool


def message(name: str, data: Any) -> dict[str, Any]:
    """The packet of a message."""
    if data == END and isinstance(data, str):
        return {"substream": name, "args": ESCAPED_END, "escaped": True}
    return {"substream": name, "args": data}


def end(name: str) -> dict[str, Any]:
    """The packet that ends a stream."""
    return {"substream": name, "args": END}


def read(message: Any) -> Packet | None:
    """What a message means to the plugin; `None` when it is none of its packets.

    A packet without ``args``, as Node sends for `undefined`, carries `None`.
    """
    if not isinstance(message, dict):
        return None
    name = message.get("substream")
    if not isinstance(name, str):
        return None
    data = message.get("args")
    if not isinstance(data, str):
        return Packet(name, data, False)
    if data == ESCAPED_END and message.get("escaped") is True:
        return Packet(name, END, False)
    return Packet(name, data, data == END)
