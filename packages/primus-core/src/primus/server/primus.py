"""`Primus`: the server."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from primus.browser.library import LibraryParts, declarations, library
from primus.errors import PluginError, PrimusError, Unauthorized
from primus.events import Emitter, ReservedEvents
from primus.heartbeat import HeartbeatPolicy
from primus.http import Request, Response
from primus.options import plugin_names, server_options
from primus.parser import browser_half
from primus.pipeline import Direction, Pipeline, Transform, is_awaitable
from primus.plugins import Ark
from primus.registry import PLUGIN, find, parser_named, transformer_named
from primus.server.broadcast import broadcast
from primus.server.hosts import Host, attach
from primus.server.layers import Layer, LayerFunction, Layers
from primus.server.middleware import authorization, built_in
from primus.server.monitor import HeartbeatMonitor
from primus.server.plugging import Additions, install, uninstall
from primus.server.spark import SPARK_EVENTS, Spark
from primus.server.welcome import welcome
from primus.version import __version__

if TYPE_CHECKING:
    from primus.client.socket import Socket as _Socket
    from primus.transformer import Transport

__all__ = ["Primus"]

Function = TypeVar("Function", bound=Callable[..., Any])

SERVER_EVENTS = frozenset(
    {"disconnection", "initialised", "connection", "plugout", "plugin", "close", "log"}
)


class Primus(Emitter):
    """A server of real-time connections, attached to an HTTP server.

    Events: ``connection(spark)``, ``disconnection(spark)``, ``initialised(transformer,
    parser, options)``, ``plugin(name, plugin)``, ``plugout(name, plugin)``,
    ``close(options)``, ``log(level, *args)``.

    Args:
        server: an `aiohttp.web.Application`, or `None` to attach nothing.
        options: see docs/options.md.

    Raises:
        OptionError: an option is unknown, or its value cannot work.
        PluginError: a transformer, parser or plugin is unknown, broken or invalid.
        AttachError: the server is of no known kind, or cannot carry the transformer.
    """

    log: ClassVar[logging.Logger] = logging.getLogger("primus.server")
    version: ClassVar[str] = __version__

    def __init__(self, server: Any = None, **options: Any) -> None:
        super().__init__()
        plugins = _resolve(plugin_names(options.get("plugin")))
        self.options = server_options(options, _declared_options(plugins))
        self.pathname = self.options.pathname
        self.authorization = self.options.authorization
        self.events = ReservedEvents(SERVER_EVENTS)
        self.pipeline = Pipeline()
        self.parser_name, self.parser = parser_named(self.options.parser)
        self.transformer_name, kind = transformer_named(self.options.transformer)
        self.Spark: type[Spark] = _spark_class(self)
        self.layers = Layers()
        for layer in built_in(self):
            self.layers.add(layer)
        self._ark = Ark()
        self._additions: dict[str, Additions] = {}
        self._connection_hooks: tuple[Callable[..., Any], ...] = ()
        self._disconnection_hooks: tuple[Callable[..., Any], ...] = ()
        self._connections: dict[str, Spark] = {}
        self._empty: asyncio.Event | None = None
        self._monitor = HeartbeatMonitor(
            HeartbeatPolicy(self.options.timeout, self.options.ping_interval), self.options.clock
        )
        self._libraries: dict[str, str] = {}
        self.draining = False
        """Whether new handshakes are refused, since the server is being destroyed."""
        self._destroyed: asyncio.Future[None] | None = None
        self._initialised = False
        self.transformer = kind(self)
        for name, plugin in plugins.items():
            self.use(name, plugin)
        self.host: Host | None = None if server is None else attach(self, server, kind)
        self._warn()

    def __repr__(self) -> str:
        return f"<Primus {self.transformer_name} {self.parser_name} at {self.pathname}>"

    # -- connections

    @property
    def connected(self) -> int:
        """How many sparks there are."""
        return len(self._connections)

    def __len__(self) -> int:
        return len(self._connections)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Spark]:
        """Iterate over the sparks there are now; they may come and go meanwhile."""
        return iter(tuple(self._connections.values()))

    def spark(self, id: str) -> Spark | None:
        """The spark with that id, or `None`."""
        return self._connections.get(id)

    def write(self, data: Any) -> None:
        """Send `data` to every spark."""
        broadcast(self, data, self.parser, self.pipeline)

    def for_each(self, fn: Callable[[Spark], Any]) -> Awaitable[None] | None:
        """Call `fn` with every spark; one that returns `False` stops the iteration.

        Returns:
            `None`, or, when `fn` is async, an awaitable; it calls `fn` for one spark after
            the other, those that connect meanwhile included.
        """
        if inspect.iscoroutinefunction(fn):
            return self._for_each(fn)
        for spark in self:
            result = fn(spark)
            if is_awaitable(result):
                return self._for_each(fn, spark, result)
            if result is False:
                break
        return None

    async def _for_each(
        self, fn: Callable[[Spark], Any], first: Spark | None = None, pending: Any = None
    ) -> None:
        visited: set[str] = set()
        if first is not None:
            visited.add(first.id)
            if await pending is False:
                return
        while waiting := [s for s in self if s.id not in visited]:
            for spark in waiting:
                visited.add(spark.id)
                if spark.id in self._connections and await fn(spark) is False:
                    return

    # -- configuration

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
        return fn

    def transform(self, direction: Direction, fn: Transform | None = None) -> Any:
        """Have `fn(packet, spark)` see every message; without `fn`, works as a decorator.

        Args:
            direction: ``"incoming"`` or ``"outgoing"``.
            fn: changes ``packet.data``; returns `False` to swallow the message; raises to
                have ``error`` emitted and the message swallowed; may be async.

        Raises:
            OptionError: `direction` is something else.
        """
        if fn is None:
            self.pipeline.check(direction)
            return lambda function: self.transform(direction, function)
        self.pipeline.add(direction, fn)
        return fn

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

    # -- plugins

    @property
    def ark(self) -> Mapping[str, Any]:
        """The plugins in use, by name."""
        return self._ark

    def use(self, name: str, plugin: Any = None) -> Primus:
        """Use a plugin.

        Args:
            name: its name.
            plugin: an object with hooks, the name of an installed plugin, or `None` to look
                for an installed plugin called `name`.

        Raises:
            UnknownPluginError: no installed distribution offers it.
            BrokenPluginError: it cannot be imported.
            InvalidPluginError: it is no plugin, or a hook does not fit.
            PluginError: the name is taken.
            Exception: whatever a hook raised. In every case nothing of the plugin stays.
        """
        if plugin is None or isinstance(plugin, str):
            plugin = _resolve({name: plugin})[name]
        self._additions[name] = install(self, self._ark, name, plugin)
        self._collect_hooks()
        self.emit("plugin", name, plugin)
        return self

    def plugout(self, name: str) -> bool:
        """Undo all that using a plugin did; False when it is not in use."""
        if name not in self._ark:
            return False
        plugin = self._ark[name]
        self.emit("plugout", name, plugin)
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

    # -- clients

    @property
    def spec(self) -> dict[str, Any]:
        """What a client has to know; durations in milliseconds, `False` for disabled ones."""
        return {
            "version": self.version,
            "pathname": self.pathname,
            "parser": self.parser_name,
            "transformer": self.transformer_name,
            "timeout": _milliseconds(self.options.timeout),
            "pingInterval": _milliseconds(self.options.ping_interval),
        }

    def library(self, format: Literal["umd", "esm"] = "umd") -> str:
        """The browser client that fits this server, plugins included.

        Args:
            format: ``"umd"`` for scripts, AMD and CommonJS, or ``"esm"``.
        """
        if format not in self._libraries:
            self._libraries[format] = library(self._library_parts(), format)
        return self._libraries[format]

    def declarations(self) -> str:
        """The TypeScript declarations of the browser client."""
        return declarations(self._library_parts())

    def save(self, path: str | Path) -> None:
        """Write the browser client to a file: as a module when its name ends in ``.mjs``."""
        suffixes = {".mjs": lambda: self.library("esm"), ".ts": self.declarations}
        text = suffixes.get(Path(path).suffix, self.library)()
        Path(path).write_bytes(text.encode())

    def _library_parts(self) -> LibraryParts:
        parser = browser_half(self.parser)
        if parser is None:
            raise PluginError(f"the parser {self.parser_name!r} has no browser half")
        halves = {name: self._ark.call(name, "primus_browser") for name in self._ark}
        interval = self.options.ping_interval
        return LibraryParts(
            version=self.version,
            pathname=self.pathname,
            global_name=self.options.global_name,
            transformer=self.transformer.browser(),
            parser=parser,
            plugins={name: half for name, half in halves.items() if half is not None},
            authorization=self.authorization is not None,
            ping_timeout=None if interval is None else 1.5 * interval,
        )

    @property
    def Socket(self) -> type[_Socket]:
        """The client class that fits this server."""
        from primus.client.socket import socket_class

        return socket_class(
            transformer=type(self.transformer),
            parser=self.parser,
            plugins=dict(self._ark),
            pathname=self.pathname,
            ping_timeout=self.options.ping_interval and 1.5 * self.options.ping_interval,
            authorization=self.authorization is not None,
        )

    @staticmethod
    def create_socket(
        *,
        transformer: Any = "websockets",
        parser: Any = "json",
        plugin: Any = None,
        pathname: str = "/primus",
    ) -> type[_Socket]:
        """A client class for a server elsewhere, which has to be configured alike."""
        from primus.client.socket import socket_class

        return socket_class(
            transformer=transformer_named(transformer)[1],
            parser=parser_named(parser)[1],
            plugins=_resolve(plugin_names(plugin)),
            pathname=pathname,
        )

    @classmethod
    async def create_server(
        cls,
        on_connection: Callable[..., Any] | None = None,
        *,
        host: str | None = None,
        port: int = 0,
        **options: Any,
    ) -> Primus:
        """Make and start an HTTP server with a Primus; see `primus.server.listen`."""
        from primus.server.listen import create_server

        return await create_server(cls, on_connection, host=host, port=port, options=options)

    @property
    def url(self) -> str:
        """Where the server made by `create_server` listens.

        Raises:
            PrimusError: it does not listen, or another one owns the HTTP server.
        """
        return self._listening()[0]

    @property
    def port(self) -> int:
        """The port that the server made by `create_server` listens on.

        Raises:
            PrimusError: it does not listen, or another one owns the HTTP server.
        """
        return self._listening()[1]

    def _listening(self) -> tuple[str, int]:
        if self.host is None or self.host.listening is None:
            raise PrimusError("only a Primus made by create_server knows where it listens")
        return self.host.listening

    # -- what hosts and transformers call

    async def handle(self, request: Request) -> Response | None:
        """Answer a request below the pathname; `None` once an upgrade has been taken over."""
        self.initialise()
        try:
            async with asyncio.timeout(self.options.handshake_timeout):
                response = await self.layers.run(request)
        except Unauthorized as error:
            return authorization.refusal(error)
        except TimeoutError:
            return Response.error(408)
        except Exception:
            self.log.exception("a middleware layer raised for %r", request)
            return Response.error(500)
        if response is not None:
            return response
        if request.upgrade:
            return Response.error(503) if self.draining else await self.transformer.upgrade(request)
        return await self.transformer.request(request)

    def accept(self, transport: Transport, request: Request, id: str | None = None) -> Spark:
        """Make a spark for a connection that has been opened.

        Args:
            transport: the wire; it does not read yet, or what it reads has not been fed yet.
            request: what it was opened with.
            id: the id that the wire's own protocol has given it, if any.
        """
        spark = self.Spark(request, self._new_id(id), self._generation(transport))
        self._connections[spark.id] = spark
        spark.attach(transport)
        spark.open()
        self._monitor.add(spark)
        handlers: list[Callable[..., Any]] = [*self._connection_hooks, *self._take("connection")]
        welcome(spark, iter(handlers))
        return spark

    def departed(self, spark: Spark) -> None:
        """A spark has ended."""
        if self._connections.pop(spark.id, None) is None:
            return
        self._monitor.discard(spark)
        for hook in self._disconnection_hooks:
            try:
                hook(spark)
            except Exception:
                self.log.exception("a primus_disconnection hook raised for %r", spark)
        self.emit("disconnection", spark)
        if not self._connections and self._empty is not None:
            self._empty.set()

    def initialise(self) -> None:
        """The HTTP server runs: emit ``initialised``, once."""
        if not self._initialised:
            self._initialised = True
            self.emit("initialised", self.transformer, self.parser, self.options)

    def stamp(self) -> int:
        """The time that a ping carries, in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def _generation(self, transport: Transport) -> Any:
        configured = self.options.heartbeat
        return configured if configured.value != "auto" else transport.generation

    def _new_id(self, id: str | None) -> str:
        if self.options.id_generator is not None:
            id = self.options.id_generator()
        while id is None or id in self._connections:
            id = secrets.token_urlsafe(16)
        return id

    def _warn(self) -> None:
        options = self.options
        if self.authorization is not None and "*" in options.origins and options.credentials:
            self.log.warning(
                "authorization is set while origins='*' with credentials: any page on the web "
                "can connect with the cookies of your users. List your origins."
            )

    # -- the end

    async def destroy(
        self, *, close: bool = True, reconnect: bool = False, timeout: float = 0
    ) -> None:
        """Stop: refuse new handshakes, end every spark, and emit ``close``.

        Args:
            close: stop the HTTP server too, when it was made by `create_server`.
            reconnect: let the clients come back, rather than tell them to stay away.
            timeout: seconds that connections get to end by themselves first.
        """
        if self._destroyed is not None:
            await asyncio.shield(self._destroyed)
            return
        self._destroyed = asyncio.get_running_loop().create_future()
        try:
            await self._stop(close or reconnect, reconnect, timeout)
        finally:
            self._destroyed.set_result(None)

    end = destroy

    async def _stop(self, close: bool, reconnect: bool, timeout: float) -> None:
        self.draining = True
        if timeout > 0 and self._connections:
            self._empty = asyncio.Event()
            try:
                await asyncio.wait_for(self._empty.wait(), timeout)
            except TimeoutError:
                self.log.info("%d connections did not end by themselves", len(self))
        for spark in self:
            spark.end(reconnect=reconnect)
        await self.transformer.close()
        self._monitor.stop()
        await self._emit_close({"close": close, "reconnect": reconnect, "timeout": timeout})
        for name in reversed(tuple(self._ark)):
            self.plugout(name)
        if self.host is not None:
            await self.host.close(stop=close)
        self.off()

    async def _emit_close(self, options: dict[str, Any]) -> None:
        """``close`` listeners that are async are awaited."""
        for listener in self._listeners.get("close", ()):
            result = self._call("close", listener, (options,))
            if is_awaitable(result):
                await self._guard("close", result)


def _spark_class(primus: Primus) -> type[Spark]:
    """A Spark class of its own for each server, so that plugins extend only theirs."""
    options = primus.options
    attributes = {
        "__module__": Spark.__module__,
        "__doc__": Spark.__doc__,
        "primus": primus,
        "events": ReservedEvents(SPARK_EVENTS),
        "log": primus.log,
        "slow_consumer": options.slow_consumer,
        "high_water": options.high_water,
    }
    return type("Spark", (Spark,), attributes)


def _resolve(plugins: Mapping[str, Any]) -> dict[str, Any]:
    """The plugin objects; `None` and texts are looked up among what is installed."""
    return {
        name: find(PLUGIN, plugin or name) if plugin is None or isinstance(plugin, str) else plugin
        for name, plugin in plugins.items()
    }


def _declared_options(plugins: Mapping[str, Any]) -> dict[str, Any]:
    """The options that plugins add, with their defaults."""
    declared: dict[str, Any] = {}
    for name, plugin in plugins.items():
        ark = Ark()
        ark.add(name, plugin)
        declared.update(ark.call(name, "primus_options") or {})
    return declared


def _milliseconds(duration: float | None) -> int | bool:
    return False if duration is None else round(duration * 1000)
