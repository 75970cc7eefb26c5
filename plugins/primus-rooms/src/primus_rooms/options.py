"""The option ``rooms``, and its check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict

from primus import OptionError, ServerOptions, hookimpl
from primus_rooms.adapter import Adapter
from primus_rooms.history import NO_HISTORY, History
from primus_rooms.memory import local

__all__ = ["RoomsOptions", "RoomsSettings", "Settings", "primus_options", "settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the option ``rooms`` may hold.

    ``adapter`` is `None` for rooms in memory. ``wildcard`` is whether ``*`` in the name of a room
    that is joined stands for any text, and ``wild_delete`` the same for leaving, unless ``join``
    and ``leave`` are told otherwise. ``history`` says which rooms have history, for the plugin
    ``recovery``. ``max_rooms`` is how many rooms a spark may be in, `None` for any number.
    """

    adapter: Adapter | None = None
    wildcard: bool = False
    wild_delete: bool = False
    history: History = NO_HISTORY
    max_rooms: int | None = None


class RoomsSettings(TypedDict, total=False):
    """What users may put into the option ``rooms``; see `Settings`."""

    adapter: Adapter | None
    wildcard: bool
    wild_delete: bool
    history: bool | Literal["cache"] | Mapping[str, bool | Literal["cache"]] | None
    max_rooms: int | None


class RoomsOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``rooms``."""

    rooms: RoomsSettings


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``rooms={"adapter": …, "wildcard": …, "wild_delete": …}``."""
    return {"rooms": {}}


def settings(value: Any) -> Settings:
    """The settings in the option ``rooms``.

    Raises:
        OptionError: one of them is unknown, or cannot work.
    """
    known = [field.name for field in fields(Settings)]
    if not isinstance(value, Mapping) or not all(name in known for name in value):
        raise OptionError(f"rooms={value!r}: must be a mapping with any of {', '.join(known)}")
    chosen = Settings(**{**value, "history": History(value.get("history"))})
    if chosen.adapter is not None and not isinstance(chosen.adapter, Adapter):
        raise OptionError(
            f"rooms: adapter={chosen.adapter!r}: must be a primus_rooms.Adapter, "
            "such as MemoryAdapter() or RedisAdapter(redis)"
        )
    wild = chosen.wildcard or chosen.wild_delete
    if wild and chosen.adapter is not None and not chosen.adapter.wildcards:
        raise OptionError(f"rooms: {chosen.adapter!r} knows no wildcards")
    most = chosen.max_rooms
    if most is not None:
        if type(most) is not int or most < 1:
            raise OptionError(f"rooms: max_rooms={most!r}: must be 1 or more, or None for no limit")
        if chosen.adapter is not None and local(chosen.adapter) is None:
            raise OptionError(
                f"rooms: max_rooms={most}: {chosen.adapter!r} does not tell at once in which rooms "
                "a spark is; one that does has Adapter.own"
            )
    return chosen
