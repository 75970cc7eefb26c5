"""The packets of primus-multiplex, and what they mean (pure).

    [1, id, name]            a client subscribes to a channel
    [0, id, name, message]   a message of the subscription, either way; without the last: `None`
    [2, id, name]            the subscription ends, either way
    [2, id, name, {"error": text}]   the same, from a server that refuses it

The client chooses the id. Whatever does not look exactly so is a message of the application.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = [
    "MESSAGE",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "Packet",
    "message",
    "read",
    "refusal",
    "subscribe",
    "unsubscribe",
]

MESSAGE: Final = 0
SUBSCRIBE: Final = 1
UNSUBSCRIBE: Final = 2


class Packet(NamedTuple):
    """What is said of one subscription; ``data`` is the message, or what a refusal says."""

    kind: int
    id: str
    name: str
    data: Any


def message(id: str, name: str, data: Any) -> list[Any]:
    """The packet of a message. A message that is `None` is left out, as in Node."""
    return [MESSAGE, id, name] if data is None else [MESSAGE, id, name, data]


def subscribe(id: str, name: str) -> list[Any]:
    """The packet of a client that subscribes."""
    return [SUBSCRIBE, id, name]


def unsubscribe(id: str, name: str) -> list[Any]:
    """The packet that ends a subscription."""
    return [UNSUBSCRIBE, id, name]


def refusal(id: str, name: str, text: str) -> list[Any]:
    """The packet of a server that refuses a subscription, with the reason for the client."""
    return [UNSUBSCRIBE, id, name, {"error": text}]


def read(message: Any) -> Packet | None:
    """What a message means to the plugin; `None` when it is none of its packets."""
    if type(message) is not list:
        return None
    if len(message) == 4:
        kind, id, name, data = message
    elif len(message) == 3:
        kind, id, name = message
        data = None
    else:
        return None
    if type(kind) is not int or type(id) is not str or type(name) is not str:
        return None
    if not 0 <= kind <= 2 or not id or not name:
        return None
    return Packet(kind, id, name, data)
