"""The plugins in use, on top of pluggy: one manager for each Primus and each Socket.

Hooks are called when a plugin is used or plugged out. For what happens more often, `collect`
gives plain callables, so that no message and no connection goes through pluggy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pluggy

from primus import hookspecs
from primus.errors import HookError, InvalidPluginError, PluginError
from primus.ordering import Place, arrange, check

__all__ = ["Ark", "arranged"]


class Ark(Mapping[str, Any]):
    """The plugins in use, by name, in the order of their use."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("primus")
        self._manager.add_hookspecs(hookspecs)
        self._plugins: dict[str, Any] = {}
        self._places: dict[str, Place] = {}

    def __getitem__(self, name: str) -> Any:
        return self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def add(self, name: str, plugin: Any) -> None:
        """Take in a plugin whose hooks are all valid; none but ``primus_order`` is called yet.

        Raises:
            PluginError: the name is empty or taken, or the plugin is in use by another name.
            InvalidPluginError: the object has no hook.
            HookError: a hook is misspelt, or has arguments that it never gets.
            PluginOrderError: it must come before one that is in use.
        """
        if not name:
            raise PluginError("a plugin's name must be a non-empty text")
        if name in self._plugins:
            raise PluginError(f"the plugin {name!r} is in use already; plugout({name!r}) first")
        for other, used in self._plugins.items():
            if used is plugin:
                raise PluginError(f"the plugin {name!r} is in use already, as {other!r}")
        try:
            self._manager.register(plugin, name)
            self._check(name, plugin)
            place = Place.of(name, plugin, self._call(plugin, "primus_order", {}))
            check(self._places.values(), place)
        except BaseException as error:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            self._manager.unblock(name)
            if isinstance(error, pluggy.PluginValidationError):
                raise HookError(f"the plugin {name!r} does not fit: {error}") from error
            raise
        self._plugins[name] = plugin
        self._places[name] = place

    def _check(self, name: str, plugin: Any) -> None:
        """Refuse an object without hooks, and hooks that do not exist."""
        unmarked = [
            attribute
            for attribute in dir(plugin)
            if attribute.startswith("primus_")
            and hasattr(hookspecs, attribute)
            and not hasattr(getattr(plugin, attribute), "primus_impl")
        ]
        if unmarked:
            raise HookError(f"the plugin {name!r}: mark {', '.join(unmarked)} with @hookimpl")
        if not self._manager.get_hookcallers(plugin):
            raise InvalidPluginError(
                f"the plugin {name!r} ({plugin!r}) has no function that is marked @hookimpl"
            )
        self._manager.check_pending()

    def remove(self, name: str) -> Any:
        """Forget a plugin.

        Raises:
            KeyError: it is not in use.
        """
        plugin = self._plugins.pop(name)
        del self._places[name]
        self._manager.unregister(plugin)
        return plugin

    def call(self, name: str, hook: str, **arguments: Any) -> Any:
        """What the hook of one plugin returns; `None` when it has no such hook."""
        return self._call(self._plugins[name], hook, arguments)

    def _call(self, plugin: Any, hook: str, arguments: Mapping[str, Any]) -> Any:
        for implementation in self._implementations(hook):
            if implementation.plugin is plugin:
                return implementation.function(*(arguments[a] for a in implementation.argnames))
        return None

    def collect(self, hook: str) -> tuple[Callable[..., Any], ...]:
        """The implementations of `hook`, a hook with one argument, as plain callables."""
        return tuple(
            implementation.function
            if implementation.argnames
            else partial(_without_argument, implementation.function)
            for implementation in self._implementations(hook)
        )

    def place(self, name: str) -> Place:
        """What a plugin has declared about its order.

        Raises:
            KeyError: it is not in use.
        """
        return self._places[name]

    def _implementations(self, hook: str) -> list[Any]:
        """In the order of use; `tryfirst` comes before all others and `trylast` after."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return sorted(caller.get_hookimpls(), key=lambda impl: impl.trylast - impl.tryfirst)


def _without_argument(function: Callable[[], Any], _: object) -> Any:
    return function()


def arranged(plugins: Mapping[str, Any]) -> dict[str, Any]:
    """Plugins by name, in the order that suits what they declare.

    Raises:
        PluginError: one is invalid, or there is no such order.
    """
    places = []
    for name, plugin in plugins.items():
        alone = Ark()
        alone.add(name, plugin)
        places.append(alone.place(name))
    return {place.name: plugins[place.name] for place in arrange(places)}
