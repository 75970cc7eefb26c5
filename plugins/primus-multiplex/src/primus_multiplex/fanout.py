"""One message to many subscriptions: encoded once, although each packet has an id of its own.

A packet is encoded with a placeholder for the id, and made ready by each class of transports; what
differs is then put in. Where the placeholder does not survive, as with a parser that compresses,
each packet is encoded for itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, Protocol

from primus.callables import dispose
from primus.encoding import encoding_failure
from primus.parser import Parser, encoded, is_json
from primus_multiplex import packets

__all__ = ["Subscribed", "fan_out"]

Frame = str | bytes
Filling = Callable[[str], Any]

PLACEHOLDER: Final = secrets.token_hex(64)
OTHER: Final = PLACEHOLDER[::-1]
PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
"""An id that is the same in every frame as it is here."""
SHORTEST: Final = 8
"""Shorter ids are put in where the parser puts them: a placeholder so short could be anywhere."""


class Subscribed(Protocol):
    """One subscription of a channel."""

    @property
    def wire_id(self) -> str:
        """The id in its packets."""

    @property
    def connection(self) -> Any:
        """What it stands on."""

    def write(self, data: Any) -> bool:
        """As `Stream.write`."""


def fan_out(parser: Parser, name: str, data: Any, sparks: Iterable[Subscribed]) -> None:
    """Write a message to subscriptions of one channel, past all transforms.

    Raises:
        ParserError: the message cannot be encoded; nothing has been sent.
    """
    templates: dict[int, Template | None] = {}
    for spark in sparks:
        id = spark.wire_id
        size = len(id) if PLAIN.fullmatch(id) else 0
        if size not in templates:
            templates[size] = _template(parser, name, data, size)
        template = templates[size]
        if template is None:
            spark.write(data)
        else:
            template.id = id
            spark.connection.relay(template.frame(), template)


class Template:
    """The frame of a packet without its id; the ids that are put in are all of one length.

    It stands in for what `Connection.relay` keeps of prepared frames: those are made with a
    placeholder, and get the id put in.
    """

    __slots__ = ("_fill", "_frame", "_placeholder", "_ready", "id")

    def __init__(self, frame: Frame, placeholder: str, fill: Filling) -> None:
        self.id = ""
        self._frame = frame
        self._placeholder = placeholder
        self._fill = fill
        self._ready: dict[Any, Filling | None] = {}

    def frame(self) -> Any:
        """The frame of the packet with the id."""
        return self._fill(self.id)

    def get(self, kind: Any) -> Any:
        """The frame as a class of transports has made it ready; `None` when that is up to it."""
        if kind not in self._ready:
            self._ready[kind] = _filling(kind.prepare(self._frame), self._placeholder)
        fill = self._ready[kind]
        return None if fill is None else fill(self.id)

    def __setitem__(self, kind: Any, prepared: Any) -> None:
        """What is made ready with one id is of no use for the next."""


def _template(parser: Parser, name: str, data: Any, size: int) -> Template | None:
    """The frame for all ids of that length; `None` when each packet goes its own way.

    Raises:
        ParserError: the message cannot be encoded.
    """
    if not SHORTEST <= size <= len(PLACEHOLDER):
        return None
    placeholder = PLACEHOLDER[:size]
    frame = _encoded(parser, packets.message(placeholder, name, data))
    fill = _filling(frame, placeholder)
    if frame is None or fill is None:
        return None
    if not is_json(parser):  # its frames may depend on the id in another place too
        other = OTHER[:size]
        if fill(other) != _encoded(parser, packets.message(other, name, data)):
            return None
    return Template(frame, placeholder, fill)


def _encoded(parser: Parser, packet: list[Any]) -> Frame | None:
    """The frame of a packet, or `None` when it has to be awaited."""
    try:
        frame: Any = encoded(parser.encode, packet)
    except Exception as error:
        failure = encoding_failure(error, parser, packet[-1])
        raise failure from failure.__cause__
    if isinstance(frame, str | bytes):
        return frame
    dispose(frame)
    return None


def _filling(frame: Any, placeholder: str) -> Filling | None:
    """What puts an id into the place of the placeholder; `None` when there is no such place.

    The id stands in a packet before anything else that could look like it.

    Args:
        frame: a frame, or what a class of transports has made of it.
        placeholder: what the id replaces.
    """
    if isinstance(frame, tuple):
        fills = [(at, _filling(part, placeholder)) for at, part in enumerate(frame)]
        found = [(at, fill) for at, fill in fills if fill is not None]
        return partial(_in_tuple, frame, *found[0]) if len(found) == 1 else None
    if isinstance(frame, str) and placeholder in frame:
        head, _, tail = frame.partition(placeholder)
        return lambda id: head + id + tail
    if isinstance(frame, bytes) and placeholder.encode() in frame:
        first, _, last = frame.partition(placeholder.encode())
        return lambda id: first + id.encode() + last
    return None


def _in_tuple(parts: tuple[Any, ...], index: int, fill: Filling, id: str) -> tuple[Any, ...]:
    return (*parts[:index], fill(id), *parts[index + 1 :])
