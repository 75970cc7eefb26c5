"""The envelope of primus-cluster 2 (pure).

    {"id": 0.123, "data": [message], "type": "primus", "opts": {"method": "write"}}
    {"id": 0.123, "data": [event, …], "type": "room",
     "opts": {"except": [id, …], "method": "send", "rooms": [name, …], "transformer": null}}

``id`` is a random number that names the server, ``data`` the arguments of the method. Node passes
over what has no type, and dies of another type: only these two are ever made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from primus_cluster.relay import Unusable

__all__ = ["METHODS", "Envelope", "opened", "to_all", "to_rooms"]

METHODS: Final = ("write", "send")
Method = Literal["write", "send"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message of another server."""

    method: str
    args: Sequence[Any]
    rooms: Sequence[str] | None = None
    """The names of rooms, none for any room; `None` for all sparks."""
    without: Sequence[str] = ()


def to_all(server: float, method: str, args: Sequence[Any]) -> dict[str, Any]:
    """A message to all sparks of the other servers."""
    return {"id": server, "data": list(args), "type": "primus", "opts": {"method": method}}


def to_rooms(
    server: float, method: str, args: Sequence[Any], rooms: Iterable[str], without: Iterable[str]
) -> dict[str, Any]:
    """A message to the members of rooms on the other servers."""
    opts = {
        "except": list(without),
        "method": method,
        "rooms": list(rooms),
        "transformer": None,
    }
    return {"id": server, "data": list(args), "type": "room", "opts": opts}


def opened(value: Any, server: float) -> Envelope | None:
    """The message in what was decoded; `None` for one of this server, or without a type.

    Raises:
        Unusable: it is none.
    """
    if not isinstance(value, dict):
        raise Unusable(f"{type(value).__name__} is no envelope")
    if not value.get("type") or value.get("id") == server:
        return None
    match value:
        case {"type": "primus", "data": [*args], "opts": {"method": str(method)}}:
            envelope = Envelope(method, args)
        case {
            "type": "room",
            "data": [*args],
            "opts": {"method": str(method), "rooms": [*rooms], "except": [*without]},
        }:
            envelope = Envelope(method, args, _texts(rooms), _texts(without))
        case _:
            raise Unusable(f"no envelope: its type is {value['type']!r:.80}")
    if method not in METHODS or not args:
        raise Unusable(f"the method {method!r:.80} of {len(args)} arguments")
    return envelope


def _texts(values: Sequence[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
