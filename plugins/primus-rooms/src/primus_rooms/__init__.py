"""Rooms: sparks that are written to together, as primus-rooms for Node.js has them.

    primus = Primus(app, plugin="rooms")

    spark.join("news sport")
    primus.room("news").except_(spark).write({"hello": "all others"})

**A spark** has ``join(rooms)``, ``leave(rooms)``, ``leave_all()``, ``rooms()``, ``room(rooms)`` or
``in_``, ``except_(sparks)``, ``transform(fn)``, ``clients(rooms)`` and ``is_room_empty(room)``.
**The Primus** has ``join(sparks, rooms)`` and ``leave(sparks, rooms)``, where sparks may be given
by their ids, ``rooms(spark=None)``, ``room(rooms)`` or ``in_``, ``except_``, ``clients``,
``is_room_empty``, ``empty(rooms=None)`` and ``adapter``. Rooms are a name, names with spaces
between, a number, or a list of names, which may hold spaces.

``room`` and ``except_`` give a `Selection`, which never changes and can be kept: ``room``, ``in_``,
``except_``, ``transform`` and ``local`` make new ones; ``write``, ``send``, ``clients``, ``empty``,
``is_room_empty``, ``join`` and ``leave`` do something with it. A message is encoded once and framed
once, however many are in the rooms, and each gets it once. The sender is not left out by
itself.

Events, on the spark and, with the spark as last argument, on the Primus: ``joinroom(room)``,
``leaveroom(room)``, ``leaveallrooms(rooms)``, ``roomserror(error)``. A spark that ends leaves all
its rooms. For type checkers there are `RoomsSpark` and `RoomsPrimus`.

The option ``rooms`` is a mapping:

* ``adapter``: an `Adapter`; by default a `MemoryAdapter`. With one that has to wait, such as
  ``primus_rooms.redis.RedisAdapter``, every method returns an awaitable. It need not be awaited:
  what was asked for is done in its order.
* ``wildcard`` (False): whether each ``*`` in the name of a room that is joined stands for any text.
  ``spark.join("user:*", wildcard=True)`` says so for one.
* ``wild_delete`` (False): the same for rooms that are left.
* ``history`` (`None`): which rooms have history, for the plugin ``recovery``.
* ``max_rooms`` (`None`): how many rooms a spark may be in; joining more is a `RoomsError`.
"""

from primus_rooms.adapter import Adapter
from primus_rooms.errors import RoomsError
from primus_rooms.members import RoomsPrimus, RoomsSpark
from primus_rooms.memory import MemoryAdapter
from primus_rooms.options import RoomsOptions, RoomsSettings, primus_options
from primus_rooms.plugin import (
    primus_disconnection,
    primus_extend_primus,
    primus_extend_spark,
    primus_setup,
    primus_teardown,
)
from primus_rooms.rooms import Rooms
from primus_rooms.selection import Selection

__all__ = [
    "Adapter",
    "MemoryAdapter",
    "Rooms",
    "RoomsError",
    "RoomsOptions",
    "RoomsPrimus",
    "RoomsSettings",
    "RoomsSpark",
    "Selection",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_options",
    "primus_setup",
    "primus_teardown",
]
