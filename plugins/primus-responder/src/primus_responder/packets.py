"""The packets of primus-responder, and what they mean (pure).

    {"plugin": "primus-responder", "requestId": "…", "data": …}       a request
    {"plugin": "primus-responder", "responseId": "…", "data": …}      its response, by the same id

Node knows no other. A peer that understands that there may be no response says so, and is then
told:

    {"plugin": "primus-responder", "requestId": "…", "data": …, "fails": true}
    {"plugin": "primus-responder", "responseId": "…", "error": "no listener"}

An id may be any value that JavaScript does not take for false; the peer that gets it sends it back
as it came. A message with that ``plugin`` is never ``data``, whatever else it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

__all__ = ["Invalid", "Request", "Response", "failure", "read", "request", "response"]

PLUGIN: Final = "primus-responder"


class Request(NamedTuple):
    """A request."""

    id: Any
    data: Any
    fails: bool
    """Whether the peer understands that there will be no response."""


class Response(NamedTuple):
    """The response to the request with that id."""

    id: Any
    data: Any
    error: str | None
    """Why there is none; `None` when this is it."""


class Invalid(NamedTuple):
    """A packet without an id, which means nothing."""


def request(id: str, data: Any) -> dict[str, Any]:
    """The packet of a request, for `write`."""
    return {"plugin": PLUGIN, "requestId": id, "data": data, "fails": True}


def response(id: Any, data: Sequence[Any]) -> dict[str, Any]:
    """The packet of the response to the request with that id: the first of `data`, if any."""
    packet = {"plugin": PLUGIN, "responseId": id}
    if data:
        packet["data"] = data[0]
    return packet


def failure(id: Any, error: str) -> dict[str, Any]:
    """The packet that says why the request with that id has no response."""
    return {"plugin": PLUGIN, "responseId": id, "error": error}


def read(message: Any) -> Request | Response | Invalid | None:
    """What a message means to the plugin ``responder``; `None` when it is none of its packets."""
    if not isinstance(message, dict) or message.get("plugin") != PLUGIN:
        return None
    data = message.get("data")
    if _is_true(id := message.get("requestId")):
        return Request(id, data, message.get("fails") is True)
    if _is_true(id := message.get("responseId")):
        error = message.get("error")
        return Response(id, data, error if isinstance(error, str) else None)
    return Invalid()


def _is_true(value: Any) -> bool:
    """Whether JavaScript takes `value` for true, as it does an empty list."""
    return value is not None and value is not False and value not in (0, "") and value == value
