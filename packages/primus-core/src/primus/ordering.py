"""Which plugin comes before which: what plugins declare, and the order that suits all (pure)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from primus.errors import HookError, PluginOrderError
from primus.options import plugin_names

__all__ = ["Order", "Place", "arrange", "check"]

Names = str | Iterable[str]


@dataclass(frozen=True, slots=True)
class Order:
    """What a plugin asks for by ``primus_order``.

    Names are those of plugins that may or may not be in use, as in the option ``plugin``: a text
    with commas or spaces, or a list. Whether they begin with ``primus-`` makes no difference.

    Args:
        before: the plugins that must come later than this one.
        after: the plugins that must come earlier than this one.
    """

    before: Names = ()
    after: Names = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A plugin with what it asks for, and the names that others mean it by."""

    name: str
    names: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]

    @classmethod
    def of(cls, name: str, plugin: Any, order: Any) -> Place:
        """The place of a plugin whose ``primus_order`` gave `order`; `None` asks for nothing.

        Others mean a plugin by the name that it is used by, or by that of its module.

        Raises:
            HookError: `order` is something else than an `Order` of names.
        """
        order = Order() if order is None else order
        if not isinstance(order, Order):
            raise HookError(
                f"the plugin {name!r}: primus_order must give a primus.Order, not {order!r}"
            )
        names = {_short(name)}
        if inspect.ismodule(plugin):
            names.add(_short(plugin.__name__.rpartition(".")[2].replace("_", "-")))
        before, after = (_names(name, wanted) for wanted in (order.before, order.after))
        return cls(name, frozenset(names), before, after)

    def wish(self, other: Place) -> str | None:
        """The plugin that orders this one before `other`: either of them, or `None`."""
        if self.before & other.names:
            return self.name
        return other.name if other.after & self.names else None


def _names(name: str, wanted: Any) -> frozenset[str]:
    if not isinstance(wanted, str):
        wanted = list(wanted)
        if not all(isinstance(each, str) for each in wanted):
            raise HookError(f"the plugin {name!r}: an Order has names of plugins, not {wanted!r}")
    return frozenset(_short(each) for each in plugin_names(wanted))


def _short(name: str) -> str:
    return name.lower().removeprefix("primus-")


def check(places: Iterable[Place], place: Place) -> None:
    """Whether a plugin may come behind those in use.

    Raises:
        PluginOrderError: it must come before one of them.
    """
    for other in places:
        by = place.wish(other)
        if by is not None:
            raise PluginOrderError(
                f"the plugin {place.name!r} must come before {other.name!r} (so says {by!r}), "
                f"which is in use already; name both in the option plugin, or "
                f"plugout({other.name!r}) first"
            )


def arrange(places: Sequence[Place]) -> list[Place]:
    """The order that suits all plugins, and changes the given one no more than it has to.

    Raises:
        PluginOrderError: there is none.
    """
    arranged: list[Place] = []
    waiting = list(places)
    while waiting:
        for place in waiting:
            if _earlier(place, waiting) is None:
                break
        else:
            raise PluginOrderError(f"no order suits all plugins: {_circle(waiting)}")
        waiting.remove(place)
        arranged.append(place)
    return arranged


def _earlier(place: Place, waiting: list[Place]) -> Place | None:
    """One of `waiting` that must come before `place`."""
    return next((other for other in waiting if other is not place and other.wish(place)), None)


def _circle(waiting: list[Place]) -> str:
    """Wishes that contradict one another, among plugins each of which must follow another."""
    path = [waiting[0]]
    while True:
        earlier = _earlier(path[-1], waiting)
        assert earlier is not None
        if earlier in path:
            break
        path.append(earlier)
    circle = [earlier, *reversed(path[path.index(earlier) :])]
    return "; ".join(
        f"{first.name!r} must come before {second.name!r} (so says {first.wish(second)!r})"
        for first, second in pairwise(circle)
    )
