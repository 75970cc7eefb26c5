"""What is sent from server to server: the body of a request, and of its answer (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from primus import ParserError
from primus.parsers.json import JSONParser

__all__ = [
    "BATCH_HEADER",
    "BATCH_LIMIT",
    "PROBE",
    "Envelope",
    "InvalidBody",
    "Sealed",
    "batch",
    "batch_success",
    "failure",
    "is_nothing",
    "joined",
    "open_batch",
    "open_envelope",
    "results",
    "seal",
    "success",
]

PARSER: Final = JSONParser()

INVALID: Final = "invalid data structure"
"""What omega-supreme for Node.js says of every body that it cannot use."""


BATCH_HEADER: Final = "Primus-Batch"
"""A header of answers, by which a server says that it takes batches; Node.js never sends it."""

BATCH: Final = b'{"batch":'
"""What a batch begins with: a server on Node.js refuses it as no message, and writes nothing."""

BATCH_LIMIT: Final = 256
"""How many messages one request has at most."""


class InvalidBody(Exception):
    """The body of a request is no message; its text is the reason."""

    def __init__(self, reason: str = INVALID, status: int = 500) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message, and the sparks that it is for.

    ``sparks`` is `None` for all, else the ids of some. ``rooms`` is `None` when it is not for
    rooms, else their names. ``without`` are the ids of those that do not get it.
    """

    msg: Any
    sparks: list[str] | None = None
    rooms: list[str] | None = None
    without: frozenset[str] = frozenset()
    posted: tuple[str, int, int] | None = None
    """The message on the bus, when it goes there as well: its writer, its shard and its number."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message for one server: the JSON of it, and of what it is for.

    ``ids`` are the ids of the sparks that it is for, `None` when it is for all or for rooms.
    """

    msg: bytes
    to: bytes
    ids: tuple[str, ...] | None = None

    @property
    def body(self) -> bytes:
        """The body of a request."""
        return b'{"msg":%b,%b}' % (self.msg, self.to)

    def __len__(self) -> int:
        return len(self.msg) + len(self.to)


def seal(msg: bytes, **to: Any) -> Sealed:
    """A message for the sparks that the fields of a body name; its JSON is already there.

    Raises:
        ParserError: a field has no JSON form.
    """
    sparks = to["sparks"]
    ids = None if not sparks or "rooms" in to else sparks
    fields = PARSER.encode(to).encode()[1:-1]
    return Sealed(msg, fields, (ids,) if isinstance(ids, str) else ids and tuple(ids))


PROBE: Final = seal(b'"are you there"', sparks=[])
"""A message to no spark. Servers of every kind answer it, and write nothing."""


def joined(messages: Sequence[Sealed]) -> Sealed:
    """Equal messages for different sparks as one, which every server understands."""
    if len(messages) == 1:
        return messages[0]
    return seal(messages[0].msg, sparks=[id for each in messages for id in each.ids or ()])


def batch(messages: Iterable[Sealed]) -> bytes:
    """The body of a request with several messages, for a server that has said it takes them."""
    return BATCH + b"[%b]}" % b",".join(message.body for message in messages)


def open_batch(body: bytes | str) -> list[Any] | None:
    """The messages of a batch, each a body of its own; `None` for a body that is no batch.

    Raises:
        InvalidBody: it is too long a batch, or a broken one.
    """
    if body[: len(BATCH)] not in (BATCH, BATCH.decode()):
        return None
    try:
        data = PARSER.decode(body)
    except ParserError:
        raise InvalidBody from None
    entries = data.get("batch")
    if "msg" in data or not isinstance(entries, list) or len(entries) > BATCH_LIMIT:
        raise InvalidBody
    return entries


def is_nothing(msg: Any) -> bool:
    """Whether JavaScript takes a message for false: no server lets such a one pass."""
    return msg is None or msg is False or (isinstance(msg, int | float | str) and not msg)


def open_envelope(body: Any) -> Envelope:
    """The message in the body of a request, or in a decoded part of a batch.

    Raises:
        InvalidBody: there is none in it.
    """
    try:
        data = PARSER.decode(body) if isinstance(body, bytes | str) else body
    except ParserError:
        raise InvalidBody from None
    if not isinstance(data, dict) or is_nothing(data.get("msg")):
        raise InvalidBody
    sparks = data.get("sparks")
    if isinstance(sparks, list):
        sparks = [id for id in sparks if isinstance(id, str)]
    else:  # as in Node: an id, or else all sparks
        sparks = [sparks] if isinstance(sparks, str) and sparks else None
    rooms = None if data.get("rooms") is None else _names("rooms", data["rooms"])
    without = frozenset(_names("except", data.get("except") or []))
    return Envelope(data["msg"], sparks, rooms, without, _posted(data.get("posted")))


def _posted(value: Any) -> tuple[str, int, int] | None:
    match value:
        case [str(writer), int(shard), int(number)]:
            return writer, shard, number
    return None


def _names(key: str, value: Any) -> list[str]:
    given = value.split(" ") if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InvalidBody(f"{key} must be a text or a list of texts", 400)
    return [name for name in given if name]


def success(count: int) -> str:
    """The body of an answer, letter by letter as in Node."""
    return f'{{ "ok": true, "send":{count} }}'


def batch_success(each: list[int | dict[str, Any]]) -> str:
    """The body of an answer to a batch: how many sparks each message was written to, or why not."""
    count = sum(result for result in each if isinstance(result, int))
    return PARSER.encode({"ok": True, "send": count, "results": each})


def results(body: Any, count: int) -> list[Any] | None:
    """The answers to the messages of a batch of `count`; `None` when it is no such answer."""
    each = body.get("results") if isinstance(body, dict) and body.get("ok") is True else None
    return each if isinstance(each, list) and len(each) == count else None


def failure(reason: str) -> str:
    """The body of a refusal, letter by letter as in Node."""
    return f'{{ "ok": false, "reason": {json.dumps(reason)} }}'
