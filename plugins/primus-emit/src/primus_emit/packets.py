"""The packets of primus-emitter, and what they mean (pure).

    {"type": 0, "data": [name, …]}               an event
    {"type": 0, "data": [name, …], "id": 7}      an event that wants to be acknowledged
    {"type": 1, "data": […], "id": 7}            the acknowledgement

Node knows no other. A sender that understands that there will be no acknowledgement says so, and is
then told:

    {"type": 0, "data": [name, …], "id": 7, "fails": true}
    {"type": 1, "data": [], "id": 7, "error": "no listener"}

Ids are numbers, chosen by the sender of the event. Whatever does not look exactly so is no
packet but a message of the application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

__all__ = ["Ack", "Event", "ack", "event", "failure", "read", "read_event"]

EVENT: Final = 0
ACK: Final = 1


class Event(NamedTuple):
    """An event; ``id`` is `None` when no acknowledgement is wanted."""

    name: str
    args: Sequence[Any]
    id: float | None
    fails: bool = False
    """Whether the sender understands that there will be no acknowledgement."""


class Ack(NamedTuple):
    """The acknowledgement of the event with that id."""

    id: float
    args: Sequence[Any]
    error: str | None = None
    """Why there is no acknowledgement; `None` when this is it."""


def event(
    name: str, args: Sequence[Any], id: int | None = None, *, fails: bool = False
) -> dict[str, Any]:
    """The packet of an event, for `write`; with an `id` it asks for an acknowledgement."""
    packet: dict[str, Any] = {"type": EVENT, "data": [name, *args]}
    if id is not None:
        packet["id"] = id
        if fails:
            packet["fails"] = True
    return packet


def ack(id: float, args: Sequence[Any]) -> dict[str, Any]:
    """The packet that acknowledges the event with that id."""
    return {"id": id, "type": ACK, "data": [*args]}


def failure(id: float, error: str) -> dict[str, Any]:
    """The packet that says why the event with that id is not acknowledged."""
    return {"id": id, "type": ACK, "data": [], "error": error}


def read(message: Any) -> Event | Ack | None:
    """What a message means to the plugin ``emitter``; `None` when it is none of its packets."""
    if type(message) is not dict and not isinstance(message, Mapping):
        return None
    data = message.get("data")
    if not isinstance(data, list):
        return None
    kind: Any = message.get("type")
    id: Any = message.get("id")
    wants = _is_number(id) and id != 0
    if not (_is_number(kind) and (wants or _is_falsy(id))):
        return None
    if kind == EVENT and data and isinstance(data[0], str):
        fails = wants and message.get("fails") is True
        return Event(data[0], data[1:], id if wants else None, fails)
    if kind == ACK and wants:
        error = message.get("error")
        return Ack(id, data, error if isinstance(error, str) else None)
    return None


def read_event(message: dict[Any, Any]) -> tuple[str, list[Any], int | None, bool] | None:
    """The parts of an `Event` as nearly all are; `None` for whatever `read` has to look at."""
    data, kind = message.get("data"), message.get("type")
    if type(data) is not list or not data or type(kind) is not int or kind != EVENT:
        return None
    name, id = data[0], message.get("id")
    if type(name) is not str:
        return None
    if id is None:
        return name, data[1:], None, False
    if type(id) is not int or id == 0:
        return None
    return name, data[1:], id, message.get("fails") is True


def _is_number(value: Any) -> bool:
    """Whether JavaScript takes `value` for a number; `True` is none there."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_falsy(value: Any) -> bool:
    """Whether JavaScript takes `value` for false; an empty list is true there."""
    return value is None or value is False or value in (0, "")
