"""The plugin ``redis-rooms``: messages to rooms, in the format of primus-redis-rooms.

Each server publishes ``{"room": name, "data": message}`` on a channel of its own, and listens to
those of the others; the members of rooms are known to their own server alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from primus import Order, hookimpl
from primus.protocol import check_message
from primus_cluster.codec import decoded_json, encoded_json
from primus_cluster.options import channel
from primus_cluster.relay import Relay, Unusable, attach, detach, refuse_bus
from primus_rooms import RoomsError

__all__ = ["primus_options", "primus_order", "primus_setup", "primus_teardown"]


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``redis_rooms={"url": …, "channel": …}``."""
    return {"redis_rooms": {}}


@hookimpl
def primus_order() -> Order:
    """Behind what it takes to other servers."""
    return Order(after="rooms, emitter")


@hookimpl
def primus_setup(primus: Any) -> None:
    """Rooms reach the other servers.

    Raises:
        OptionError: the option ``redis_rooms`` cannot be used.
        PluginError: the plugin ``backplane`` is in use.
    """
    refuse_bus(primus, "redis-rooms")
    codec = primus._redis_rooms = RedisRooms(primus, primus.options.extra.get("redis_rooms", {}))
    if hasattr(primus, "rooms"):
        primus.rooms.carriers += (codec.carry,)
        attach(primus, codec.relay)
    else:
        primus.log.warning(
            "redis-rooms needs the plugin 'rooms': Primus(…, plugin=\"rooms, redis-rooms\")"
        )


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Let go of Redis, without waiting."""
    codec: RedisRooms = primus._redis_rooms
    if hasattr(primus, "rooms"):
        rooms = primus.rooms
        rooms.carriers = tuple(each for each in rooms.carriers if each != codec.carry)
    detach(codec.relay)


class RedisRooms:
    """What a server says and hears of rooms.

    Args:
        primus: the server.
        options: the option ``redis_rooms``.

    Raises:
        OptionError: the option cannot be used.
    """

    def __init__(self, primus: Any, options: Any) -> None:
        chosen = channel("redis_rooms", options)
        self._primus = primus
        self._own = f"{chosen.channel}.{uuid4()}"
        self.relay = Relay(primus, "redis-rooms", chosen.url, f"{chosen.channel}.*", self._take)

    def carry(self, selection: Any, args: list[Any], method: str) -> None:
        """Publish a message to rooms, once for each.

        Raises:
            RoomsError: no room is named.
            ControlTextError: the message is text that peers obey.
            ParserError: JSON has no form for it.
        """
        if selection.names is None:
            raise RoomsError("redis-rooms reaches the other servers by names of rooms: see local")
        data = args[0] if method == "write" else self._primus.event_message(*args)
        check_message(data)
        if method == "send" and data is None:
            return
        frames = [encoded_json({"room": name, "data": data}) for name in selection.names]
        for frame in frames:
            self.relay.publish(self._own, frame)

    def _take(self, channel: str, payload: bytes) -> None:
        """Deliver what another server has published.

        Raises:
            Exception: it cannot be used.
        """
        if channel == self._own:
            return
        match decoded_json(payload):
            case {"room": str(room), "data": data}:
                write = partial(self._primus.write, data)
                self._primus.rooms.deliver_relayed([room], (), lambda sparks: write(to=sparks))
            case _:
                raise Unusable("no message to a room")
