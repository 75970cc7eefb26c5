"""What is sent from server to server: the body of a request, and of its answer (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from primus import ParserError
from primus.parsers.json import JSONParser

__all__ = ["Envelope", "InvalidBody", "failure", "is_nothing", "open_envelope", "seal", "success"]

PARSER: Final = JSONParser()

INVALID: Final = "invalid data structure"
"""What omega-supreme for Node.js says of every body that it cannot use."""


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


def is_nothing(msg: Any) -> bool:
    """Whether JavaScript takes a message for false: no server lets such a one pass."""
    return msg is None or msg is False or (isinstance(msg, int | float | str) and not msg)


def open_envelope(body: bytes | str) -> Envelope:
    """The message in the body of a request.

    Raises:
        InvalidBody: there is none in it.
    """
    try:
        data = PARSER.decode(body)
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
    return Envelope(data["msg"], sparks, rooms, without)


def _names(key: str, value: Any) -> list[str]:
    given = value.split(" ") if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InvalidBody(f"{key} must be a text or a list of texts", 400)
    return [name for name in given if name]


def seal(body: dict[str, Any]) -> bytes:
    """The body of a request.

    Raises:
        ParserError: the message has no JSON form.
    """
    return PARSER.encode(body).encode()


def success(count: int) -> str:
    """The body of an answer, letter by letter as in Node."""
    return f'{{ "ok": true, "send":{count} }}'


def failure(reason: str) -> str:
    """The body of a refusal, letter by letter as in Node."""
    return f'{{ "ok": false, "reason": {json.dumps(reason)} }}'
