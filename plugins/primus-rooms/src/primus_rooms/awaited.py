"""The classes of the plugin as they are with an adapter that waits: each answer is an awaitable.

    from primus_rooms.awaited import RoomsPrimus, RoomsSpark

They are the same classes when running, with other types: awaited.pyi has them.
"""

from primus_rooms.members import RoomsPrimus, RoomsSpark
from primus_rooms.selection import Selection

__all__ = ["RoomsPrimus", "RoomsSpark", "Selection"]
