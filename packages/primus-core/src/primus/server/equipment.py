"""What a server is equipped with: authorization, middleware, transforms and plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar, overload

from primus.events import Emitter
from primus.options import ServerOptions
from primus.pipeline import Pipeline
from primus.plugins import Ark
from primus.registry import plugins_named
from primus.server.layers import Layer, LayerFunction, Layers
from primus.server.plugging import Additions, install, uninstall
from primus.server.spark import Spark
from primus.transforming import Transforming

__all__ = ["Equipment"]

Function = TypeVar("Function", bound=Callable[..., Any])


class Equipment(Transforming, Emitter):
    """The part of `Primus` that is configured."""

    options: ServerOptions
    authorization: Callable[..., Any] | None
    pipeline: Pipeline
    layers: Layers
    Spark: type[Spark]
    _ark: Ark
    _additions: dict[str, Additions]
    _connection_hooks: tuple[Callable[..., Any], ...]
    _disconnection_hooks: tuple[Callable[..., Any], ...]
    _libraries: dict[str, str]

    def authorize(self, fn: Function) -> Function:
        """Have `fn(request)`, plain or async, decide about every request and upgrade.

        It refuses by raising `Unauthorized`. Works as a decorator.

        Raises:
            TypeError: `fn` is not callable.
        """
        if not callable(fn):
            raise TypeError(f"authorize only accepts functions, not {fn!r}")
        self.authorization = fn
        self._libraries.clear()
        self._warn_of_origins()
        return fn

    def _warn_of_origins(self) -> None:
        """Cross-site WebSocket hijacking: a browser sends its cookies along with any upgrade."""
        options = self.options
        if self.authorization is not None and "*" in options.origins and options.credentials:
            self.log.warning(
                "authorization is set while origins='*' with credentials: any page on the web "
                "can connect with the cookies of your users. List your origins."
            )

    @overload
    def before(
        self,
        name: str,
        *,
        index: int | None = None,
        http: bool = True,
        upgrade: bool = True,
    ) -> Callable[[Function], Function]: ...
    @overload
    def before(
        self,
        name: str,
        layer: Function,
        *,
        index: int | None = None,
        http: bool = True,
        upgrade: bool = True,
    ) -> Function: ...
    def before(
        self,
        name: str,
        layer: LayerFunction | None = None,
        *,
        index: int | None = None,
        http: bool = True,
        upgrade: bool = True,
    ) -> Any:
        """Add HTTP middleware; without `layer`, works as a decorator.

        Args:
            name: its name; a layer of that name is replaced, in its place.
            layer: ``fn(request)``, plain or async, returns a `Response` or `None`.
            index: where it goes; at the end by default, behind the built-in layers.
            http: whether it runs for plain requests.
            upgrade: whether it runs for upgrades.
        """
        if layer is None:
            return lambda function: self.before(
                name, function, index=index, http=http, upgrade=upgrade
            )
        self.layers.add(Layer(name, layer, http=http, upgrade=upgrade), index)
        return layer

    def remove(self, name: str) -> bool:
        """Remove a layer; False when there is none of that name."""
        return self.layers.remove(name)

    def disable(self, name: str) -> bool:
        """Switch a layer off; False when there is none of that name."""
        return self.layers.switch(name, False)

    def enable(self, name: str) -> bool:
        """Switch a layer on again; False when there is none of that name."""
        return self.layers.switch(name, True)

    @property
    def ark(self) -> Mapping[str, Any]:
        """The plugins in use, by name."""
        return self._ark

    def use(self, name: str, plugin: Any = None) -> Self:
        """Use a plugin.

        Args:
            name: its name.
            plugin: an object with hooks, the name of an installed plugin, or `None` to look
                for an installed plugin called `name`.

        Raises:
            UnknownPluginError: no installed distribution offers it.
            BrokenPluginError: it cannot be imported.
            InvalidPluginError: it is no plugin, or a hook does not fit.
            PluginOrderError: it must come before one that is in use.
            PluginError: the name is taken.
            Exception: whatever a hook raised. In every case nothing of the plugin stays.
        """
        if plugin is None or isinstance(plugin, str):
            ((name, plugin),) = plugins_named({name: plugin}).items()
        self._ark.admit({name: plugin})
        self._install(name)
        return self

    def _install(self, name: str) -> None:
        """Use a plugin that has been admitted."""
        self._additions[name] = install(self, self._ark, name)
        self._collect_hooks()
        self.dispatch("plugin", name, self._ark[name])

    def plugout(self, name: str) -> bool:
        """Undo all that using a plugin did; False when it is not in use."""
        if name not in self._ark:
            return False
        plugin = self._ark[name]
        self.dispatch("plugout", name, plugin)
        uninstall(self, self._ark, name, self._additions.pop(name))
        self._collect_hooks()
        return True

    def plugin(self, name: str | None = None) -> Any:
        """The plugin in use by that name, or `None`; without a name, all of them."""
        return self._ark if name is None else self._ark.get(name)

    def _collect_hooks(self) -> None:
        self._connection_hooks = self._ark.collect("primus_connection")
        self._disconnection_hooks = self._ark.collect("primus_disconnection")
        self._libraries.clear()
