"""The plugins in use, on top of pluggy: one manager for each Primus and each Socket.

Hooks are called when a plugin is used or plugged out. For what happens more often, `collect`
gives plain callables, so that no message and no connection goes through pluggy.
"""

from __future__ import annotations

from asyncio import isfuture
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from inspect import getattr_static, signature
from types import FunctionType, MappingProxyType, MethodType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pluggy

from primus import hookspecs
from primus.callables import dispose, is_awaitable
from primus.errors import HookError, InvalidPluginError, PluginError

if TYPE_CHECKING:
    from primus.ordering import Place

__all__ = ["Ark", "valid_hook"]

NODE_PLUGIN: Final = ("server", "client", "library")
"""What a plugin of Primus for Node.js is made of."""


MEMBERS: Final = ((Mapping, type), "a class, or a mapping of members")

GIVES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = MappingProxyType(
    {
        "primus_options": ((Mapping,), "a mapping of options to their defaults"),
        "primus_extend_spark": MEMBERS,
        "primus_extend_primus": MEMBERS,
        "primus_extend_socket": MEMBERS,
        "primus_middleware": ((Iterable,), "a list of Layers"),
    }
)
"""By a hook: what it gives, if it does not give `None`; the others are checked by their users."""


class Admitted(NamedTuple):
    """A plugin whose hooks are valid, with what it has declared."""

    plugin: Any
    place: Place
    options: Mapping[str, Any]


class Ark(Mapping[str, Any]):
    """The plugins in use, by name, in the order of their use.

    A plugin is admitted first: its hooks are checked, and it is asked for its order and its
    options, once. It counts as one of the plugins from `use` on.
    """

    def __init__(self) -> None:
        self._admitted: dict[str, Admitted] = {}
        self._plugins: dict[str, Any] = {}

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        """Made for the first plugin: pluggy inspects all hooks anew for each manager."""
        manager = pluggy.PluginManager("primus")
        manager.add_hookspecs(hookspecs)
        return manager

    def __getitem__(self, name: str) -> Any:
        return self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def admit(self, plugins: Mapping[str, Any]) -> list[str]:
        """Check plugins that are about to be used; when one does not fit, none is admitted.

        Args:
            plugins: the objects, by name.

        Returns:
            Their names, in the order that suits what they declare.

        Raises:
            PluginError: a name is empty or taken, or a plugin is in use by another name.
            InvalidPluginError: an object has no hook.
            HookError: a hook is misspelt, or has arguments that it never gets.
            PluginOrderError: no order suits all of them.
            Exception: whatever ``primus_order`` or ``primus_options`` raised.
        """
        if not plugins:
            return []
        from primus.ordering import arrange

        admitted: list[str] = []
        try:
            for name, plugin in plugins.items():
                self._admit(name, plugin)
                admitted.append(name)
            return [place.name for place in arrange([self._admitted[n].place for n in admitted])]
        except BaseException:
            for name in admitted:
                self.remove(name)
            raise

    def _admit(self, name: str, plugin: Any) -> None:
        if not name:
            raise PluginError("a plugin's name must be a non-empty text")
        if name in self._admitted:
            raise PluginError(f"the plugin {name!r} is in use already; plugout({name!r}) first")
        for other, used in self._admitted.items():
            if used.plugin is plugin:
                raise PluginError(f"the plugin {name!r} is in use already, as {other!r}")
        from primus.ordering import Place

        self._register(name, plugin)
        try:
            place = Place.of(name, plugin, self._call(plugin, "primus_order", {}))
            options = dict(self._call(plugin, "primus_options", {}) or {})
        except BaseException:
            self._manager.unregister(plugin)
            raise
        self._admitted[name] = Admitted(plugin, place, options)

    def use(self, name: str) -> Any:
        """Count an admitted plugin among those in use, behind the others.

        Returns:
            The plugin.

        Raises:
            PluginOrderError: it must come before one that is in use.
        """
        from primus.ordering import check

        admitted = self._admitted[name]
        check((self._admitted[other].place for other in self._plugins), admitted.place)
        self._plugins[name] = admitted.plugin
        return admitted.plugin

    def add(self, name: str, plugin: Any) -> None:
        """Admit a plugin and use it; the errors are those of `admit` and `use`."""
        self.admit({name: plugin})
        try:
            self.use(name)
        except BaseException:
            self.remove(name)
            raise

    def _register(self, name: str, plugin: Any) -> None:
        """Register an object whose hooks are all valid; nothing of another stays."""
        if _takes_instance(plugin):
            raise InvalidPluginError(
                f"the plugin {name!r} is a class: give an instance, {plugin.__name__}()"
            )
        try:
            self._manager.register(plugin, name)
            self._check(name, plugin)
        except BaseException as error:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            self._manager.unblock(name)
            if isinstance(error, pluggy.PluginValidationError):
                raise HookError(f"the plugin {name!r} does not fit: {error}") from error
            raise

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
                f"{_meant(plugin)}"
            )
        self._manager.check_pending()

    def remove(self, name: str) -> Any:
        """Forget a plugin.

        Raises:
            KeyError: it is not admitted.
        """
        admitted = self._admitted.pop(name)
        self._plugins.pop(name, None)
        self._manager.unregister(admitted.plugin)
        return admitted.plugin

    def admits(self, *names: str) -> bool:
        """Whether a plugin that others mean by one of these names is in use, or about to be."""
        return any(not each.place.names.isdisjoint(names) for each in self._admitted.values())

    def options(self) -> dict[str, Any]:
        """The options that the admitted plugins add, with their defaults."""
        return {
            option: value
            for each in self._admitted.values()
            for option, value in each.options.items()
        }

    def options_of(self, name: str) -> dict[str, Any]:
        """The options that one plugin adds, with their defaults.

        Raises:
            KeyError: it is not admitted.
        """
        return dict(self._admitted[name].options)

    def call(self, name: str, hook: str, **arguments: Any) -> Any:
        """What the hook of one plugin returns; `None` when it has no such hook."""
        return self._call(self._plugins[name], hook, arguments)

    def _call(self, plugin: Any, hook: str, arguments: Mapping[str, Any]) -> Any:
        for implementation in self._implementations(hook):
            if implementation.plugin is plugin:
                given = implementation.function(*(arguments[a] for a in implementation.argnames))
                self._check_given(implementation.plugin_name, hook, given)
                return given
        return None

    def _check_given(self, name: str, hook: str, given: Any) -> None:
        """Refuse what a hook must not return.

        A task goes on by itself, so that a hook may return one as it may anything else.

        Raises:
            HookError: it waits to be awaited, or is nothing that the hook is for.
        """
        if is_awaitable(given) and not isfuture(given):
            dispose(given)
            raise HookError(f"the plugin {name!r}: {hook} must be a plain function, and not async")
        kinds, shown = GIVES.get(hook, ((object,), ""))
        if given is not None and not isinstance(given, kinds):
            raise HookError(f"the plugin {name!r}: {hook} must give {shown}, not {given!r}")

    def collect(self, hook: str) -> tuple[Callable[..., Any], ...]:
        """The implementations of `hook` as plain callables, which take all of its arguments.

        They are in the order of use; `tryfirst` comes before all others and `trylast` after.
        """
        if not self._plugins:
            return ()
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        arguments = () if caller.spec is None else caller.spec.argnames
        found = {each.plugin_name: each for each in self._implementations(hook)}
        used = [found[name] for name in self._plugins if name in found]
        return tuple(
            _taking(arguments, implementation)
            for implementation in sorted(used, key=lambda impl: impl.trylast - impl.tryfirst)
        )

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return caller.get_hookimpls()


def valid_hook(name: str, module: Any, hook: str) -> Callable[[], Any] | None:
    """The hook by which a module offers a transformer or a parser; `None` when it has no such hook.

    Args:
        name: the name that the module is offered by.
        module: the object with the hook.
        hook: the name of the hook; it takes no arguments.

    Raises:
        InvalidPluginError: the module has no hook at all.
        HookError: a hook is misspelt, or has arguments that it never gets.
    """
    ark = Ark()
    ark._register(name, module)
    return next((each.function for each in ark._implementations(hook)), None)


def _taking(arguments: Sequence[str], implementation: pluggy.HookImpl) -> Callable[..., Any]:
    """The function of a hook, called with all arguments of the hook in their order."""
    function: Callable[..., Any] = implementation.function
    if tuple(implementation.argnames) == tuple(arguments):
        return function
    wanted = [arguments.index(name) for name in implementation.argnames]
    return lambda *given: function(*[given[index] for index in wanted])


def _takes_instance(plugin: Any) -> bool:
    """Whether an object is a class with a hook that takes an instance of it as ``self``."""
    if not isinstance(plugin, type):
        return False
    members = (getattr_static(plugin, attribute) for attribute in dir(plugin))
    return any(
        isinstance(member, FunctionType)
        and hasattr(member, "primus_impl")
        and next(iter(signature(member).parameters), None) == "self"
        for member in members
    )


def _meant(plugin: Any) -> str:
    """What an object without hooks is likely to be meant for, as the end of a sentence."""
    if isinstance(plugin, FunctionType | MethodType):
        return ". To add a layer of the middleware: primus.before(name, layer)"
    if isinstance(plugin, Mapping) and not plugin.keys().isdisjoint(NODE_PLUGIN):
        return (
            ". One of Primus for Node.js has to be written anew: a module, or an object, with the "
            "hooks primus_setup for 'server', and primus_browser for 'client' and 'library'"
        )
    return ""
