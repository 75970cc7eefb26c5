"""The control messages of Primus: text that starts with ``primus::`` (pure).

They pass through the parser like any message, but never reach a ``data`` listener. What the
reference implementations do is in Primus' own ``spark.js`` and ``primus.js`` (``protocol``).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Final

from primus.errors import ControlTextError

__all__ = [
    "CLOSE",
    "PREFIX",
    "SEPARATOR",
    "Close",
    "Control",
    "Id",
    "IdRequest",
    "Ignored",
    "Ping",
    "PluginText",
    "Pong",
    "Side",
    "check_message",
    "control",
    "escape_separators",
    "escape_separators_in_utf8",
    "id_reply",
    "id_request",
    "ping",
    "plugin_text",
    "pong",
]

PREFIX: Final = "primus::"
CLOSE: Final = "primus::server::close"
"""The server ends the connection on purpose: the client must not reconnect."""

OBEYED: Final = (PREFIX, "\ufeff" + PREFIX)
"""A `TextDecoder`, as msgpack's client has one, drops the mark before a text."""

OWN_NAMES: Final = frozenset({"id", "ping", "pong", "server"})
"""The names of the core's control messages, in either direction."""

_PLUGIN_NAME: Final = re.compile("[a-z][a-z0-9-]{0,31}")

SEPARATOR: Final = 0xE2
"""The first byte, in UTF-8, of the separators that are escaped, and of other characters."""


class Side(Enum):
    """Which end of the connection interprets the text."""

    SERVER = "server"
    CLIENT = "client"


class Message:
    """What a control message says: equal to those that say the same."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), *self._parts()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._parts()))})"

    def _parts(self) -> list[Any]:
        return [getattr(self, name) for name in self.__slots__]


class Ping(Message):
    """The peer wants a pong. The stamp stays text: it is echoed to the letter."""

    __slots__ = __match_args__ = ("stamp",)

    def __init__(self, stamp: str) -> None:
        self.stamp = stamp


class Pong(Message):
    """The peer answers a ping."""

    __slots__ = __match_args__ = ("stamp",)

    def __init__(self, stamp: str) -> None:
        self.stamp = stamp


class IdRequest(Message):
    """The client asks for the id of its spark."""

    __slots__ = ()


class Id(Message):
    """The server tells the id of the spark."""

    __slots__ = __match_args__ = ("id",)

    def __init__(self, id: str) -> None:
        self.id = id


class Close(Message):
    """The server has ended the connection on purpose."""

    __slots__ = ()


class Ignored(Message):
    """Not for this side, or unknown: ignored, and not given to the user."""

    __slots__ = __match_args__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class PluginText(Message):
    """A word that the core does not know: of a plugin, or else ignored like `Ignored`."""

    __slots__ = __match_args__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value


Control = Ping | Pong | IdRequest | Id | Close | Ignored | PluginText


def control(side: Side, text: str) -> Control:
    """What the control message `text`, which starts with `PREFIX`, means for `side`.

    Both generations of heartbeats are understood at once: Primus up to 6 pings from the
    client, Primus 7 and later from the server.
    """
    kind, separator, rest = text[len(PREFIX) :].partition(":")
    if not separator:
        return Ignored(kind)
    value = rest[1:]
    match side, kind:
        case _, "ping":
            return Ping(value)
        case _, "pong":
            return Pong(value)
        case Side.SERVER, "id":
            return IdRequest()
        case Side.CLIENT, "id":
            return Id(value)
        case Side.CLIENT, "server" if value == "close":
            return Close()
        case _ if rest.startswith(":") and is_plugin_name(kind):
            return PluginText(kind, value)
        case _:
            return Ignored(kind)


def is_plugin_name(name: str) -> bool:
    """Whether a plugin may have a control message of that name: the core's own are not free."""
    return name not in OWN_NAMES and _PLUGIN_NAME.fullmatch(name) is not None


def check_message(data: Any) -> None:
    """Make sure that a message of the user is not taken for a word of ours.

    There is no form in which a peer shows such text: whatever its parser, a client of Primus looks
    at the text that was decoded.

    Raises:
        ControlTextError: it is.
    """
    if isinstance(data, str):
        if not data.startswith(OBEYED):
            return
        raise ControlTextError(
            f"{data[:80]!r} cannot be sent: peers obey text that begins with {PREFIX!r} and do not "
            'show it. Send it within something, such as {"text": ...} or [...]'
        )
    if isinstance(data, Enum):
        check_message(data.value)  # which is what parsers write


def ping(stamp: int) -> str:
    """The text of a ping; `stamp` is in milliseconds since the epoch."""
    return f"primus::ping::{stamp}"


def pong(stamp: str) -> str:
    """The answer to a ping that carried `stamp`."""
    return f"primus::pong::{stamp}"


def id_request() -> str:
    """The text by which a client asks for its id; every Primus server answers it."""
    return "primus::id::"


def id_reply(id: str) -> str:
    """The answer to an id request."""
    return f"primus::id::{id}"


def plugin_text(name: str, value: str) -> str:
    """The text of a plugin's control message.

    Raises:
        ControlTextError: the name is one of the core's, or no name at all.
    """
    if not is_plugin_name(name):
        raise ControlTextError(
            f"{name!r} cannot name a control message of a plugin: take up to 32 lower-case "
            f"letters, digits and hyphens, but none of {', '.join(sorted(OWN_NAMES))}"
        )
    return f"primus::{name}::{value}"


def escape_separators(frame: str) -> str:
    """`frame` with U+2028 and U+2029 as JSON escapes, as every Primus sends them.

    The two are line ends in old JavaScript, so a script that embeds the text would break.
    """
    if "\u2028" in frame:
        frame = frame.replace("\u2028", "\\u2028")
    if "\u2029" in frame:
        frame = frame.replace("\u2029", "\\u2029")
    return frame


def escape_separators_in_utf8(frame: bytes) -> bytes:
    """The same for a frame that is UTF-8."""
    return frame.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
