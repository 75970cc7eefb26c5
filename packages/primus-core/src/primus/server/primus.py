"""`Primus`: the server."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from threading import get_ident
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Literal,
    Self,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from primus.clock import Within
from primus.contracts import Elsewhere
from primus.errors import (
    HookError,
    InvalidPluginError,
    NotListeningError,
    OptionError,
    PluginError,
    ProtocolError,
    ServerFullError,
    Unauthorized,
)
from primus.events import ReservedEvents
from primus.failures import Failures, Quota
from primus.heartbeat import Generation, HeartbeatPolicy
from primus.http import BodyTooLarge, ClientGone, Request, Response
from primus.ids import new_node
from primus.option_checks import no_handler
from primus.options import plugin_names, server_options
from primus.parser import browser_half
from primus.pipeline import Pipeline
from primus.plugins import Ark
from primus.registry import (
    check_frames,
    owner_among,
    parser_named,
    plugins_named,
    transformer_named,
)
from primus.requirements import needing
from primus.server import ending, gate
from primus.server.broadcast import broadcast, check_recipients, encoded_here, relay
from primus.server.client_library import ClientLibrary, Markup, script_element
from primus.server.connection_phase import run_connection_phase
from primus.server.draining import end_over
from primus.server.events import PrimusEvents
from primus.server.heartbeats import HeartbeatMonitor
from primus.server.hosts import Host, asgi_application, attach
from primus.server.layers import Layer, LayerFunction, Layers
from primus.server.middleware import authorization, built_in
from primus.server.seats import Seats
from primus.server.spark import SPARK_EVENTS, Spark, SparkT_co
from primus.server.sparks import Sparks
from primus.server.unused import unused
from primus.server.watchdog import WATCHDOG, Watched
from primus.suggestions import suggest
from primus.tally import Tally
from primus.tasks import spawn
from primus.threads import Home, ThreadView, here
from primus.transforming import Transforming
from primus.transport import Transport
from primus.version import __version__
from primus.write_watch import WriteWatch

if TYPE_CHECKING:
    from pathlib import Path

    from primus.browser import Artefact, LibraryParts
    from primus.client.socket import Socket as _Socket
    from primus.option_types import ListenOptions, ServerOptions
    from primus.server.hosts.asgi import AsgiHost
    from primus.server.install import Additions
    from primus.stats import Stats

__all__ = ["Primus"]

Function = TypeVar("Function", bound=Callable[..., Any])
SocketT = TypeVar("SocketT", bound="_Socket")

SERVER_EVENTS: Final = frozenset(
    {"disconnection", "initialised", "connection", "plugout", "plugin", "close", "log"}
)

REFUSALS: Final = {401: "unauthorized", 403: "forbidden", 408: "timeout"}
"""What `Primus.stats` calls refusals, by status."""

UNREADABLE: Final = (BodyTooLarge, ClientGone, ProtocolError)
"""What reading the body of a request raises for what its client has done."""

KEEP_ALIVE: Final = 25 / 35
"""The part of ``timeout`` after which a client that is not pinged speaks by itself."""


class Primus(Transforming, PrimusEvents[SparkT_co]):
    """A server of real-time connections, attached to an HTTP server.

    ``Primus[Visitor](…)`` makes one whose sparks are of the application's own class `Visitor`.

    Events: ``connection(spark)``, ``disconnection(spark, closed)``, ``initialised(transformer,
    parser, options)``, ``plugin(name, plugin)``, ``plugout(name, plugin)``,
    ``close(options)``, ``log(level, *args)``.

    Args:
        server: an `aiohttp.web.Application`, an ASGI application (then run `asgi`), or `None`
            to attach to nothing.
        options: see docs/options.md.

    Raises:
        OptionError: an option is unknown, its value cannot work, or the parser makes frames
            that the transformer does not carry.
        PluginError: a transformer, parser or plugin is unknown, broken or invalid.
        AttachError: the server is of no known kind, or cannot carry the transformer.
    """

    version: ClassVar[str] = __version__
    log: logging.Logger = logging.getLogger("primus.server")
    carries = MappingProxyType(
        {
            "close": 1,
            "connection": 1,
            "disconnection": 2,
            "initialised": 3,
            "plugin": 2,
            "plugout": 2,
        }
    )
    added = MappingProxyType({"disconnection": 1})
    instead = MappingProxyType(
        {
            event: f"Sparks emit it: primus.on_spark({event!r}, fn)"
            for event in SPARK_EVENTS - {"error"}
        }
    )
    spark_class: ClassVar[type[Spark]] = Spark
    """What the class of its sparks derives from; ``Primus[Visitor]`` sets it."""

    def __class_getitem__(cls, spark: Any) -> Any:
        """A class of servers whose sparks derive from `spark`, an application's own class."""
        if not (isinstance(spark, type) and issubclass(spark, Spark)):
            generic: Any = super()
            return generic.__class_getitem__(spark)
        attributes = {"__module__": cls.__module__, "__doc__": cls.__doc__, "spark_class": spark}
        return type(cls.__name__, (cls,), attributes)

    def __init__(self, server: object = None, **options: Unpack[ServerOptions]) -> None:
        super().__init__()
        self._ark = Ark()
        self._tally = Tally()
        plugins = self._ark.admit(plugins_named(plugin_names(options.get("plugin"))))
        self.options = server_options(
            options, self._ark.options(), owner_among(plugins), getattr(server, "arguments", ())
        )
        self.limits = self.options.limits()
        """What one peer may cost."""
        self.failures = Failures(self.limits.traceback_interval)
        self.pathname = self.options.pathname
        self.authorization = self.options.authorization
        self.events = ReservedEvents(SERVER_EVENTS)
        self.pipeline = Pipeline()
        self.parser_name, self.parser = parser_named(self.options.parser)
        self.transformer_name, kind = transformer_named(self.options.transformer)
        check_frames(kind, self.parser)
        self.Spark: type[SparkT_co] = _spark_class(self)
        self.layers = Layers()
        for layer in built_in(self):
            self.layers.add(layer)
        self._additions: dict[str, Additions] = {}
        """What each plugin in use has added, by its name."""
        self._connection_hooks: tuple[Callable[..., Any], ...] = ()
        self._disconnection_hooks: tuple[Callable[..., Any], ...] = ()
        self.node = self.options.node or new_node()
        """The name of this server among those of its cluster; the ids of its sparks begin with it.
        """
        self._sparks: Sparks[SparkT_co] = Sparks(
            self.options.id_generator, self.node, self.log, self._log_raised
        )
        self._seats = Seats(self.limits, self._sparks.__len__, self.options.clock, self.log)
        self._heartbeats = HeartbeatMonitor(
            HeartbeatPolicy(self.options.timeout, self.options.ping_interval), self.options.clock
        )
        self._library = ClientLibrary(self._library_parts, minify=self.options.minify)
        self.elsewhere: Elsewhere | None = None
        """What brings requests to the process that their session lives in, if there are several."""
        self.draining = False
        """Whether new handshakes are refused, since the server is being destroyed."""
        self.ending_since = 0.0
        """When all connections were told to end, on the loop's clock."""
        self.home: Home | None = None
        """The thread and the loop that the sparks live on; `None` before the first."""
        self._watched: Watched | None = None
        """The loop, as the watchdog of slow listeners sees it."""
        self._destroying: asyncio.Task[None] | None = None
        self._spreading: asyncio.Task[None] | None = None
        """Ends the connections bit by bit; set once that has begun."""
        self._ends_together = False
        self._initialised = False
        self.writes = WriteWatch(self.options.clock, self.limits.write_timeout)
        """Drops the connections whose peers take nothing; hosts and engines add theirs."""
        self.transformer = kind(self)
        for name in plugins:
            self._install(name)
        self.host: Host | None = None if server is None else attach(self, server, kind)
        self._warn_of_origins()

    def __repr__(self) -> str:
        return f"<Primus {self.transformer_name} {self.parser_name} at {self.pathname}>"

    @classmethod
    async def create_server(
        cls,
        on_connection: Callable[..., Any] | None = None,
        *,
        host: str | None = None,
        port: int = 0,
        reuse_port: bool = False,
        sock: socket.socket | None = None,
        setup: Callable[[Self], Any] | None = None,
        **options: Unpack[ListenOptions],
    ) -> Self:
        """Make and start an HTTP server with a Primus.

        Args:
            on_connection: listens to ``connection``.
            host: the address to listen on; `None` for every interface.
            port: the port; 0 picks a free one.
            reuse_port: let other processes of the same user listen on that port too, where the
                system shares the connections out among them (``SO_REUSEPORT``).
            sock: a stream socket that is bound already, in place of `host`, `port` and
                `reuse_port`, such as one that was inherited. It is closed with the server.
            setup: called, or awaited, with the Primus before it listens.
            options: those of `Primus`, and for TLS either ``ssl_context`` or ``root``,
                ``cert``, ``key``, ``ca``, ``pfx`` and ``passphrase``.

        Raises:
            PrimusError: an option cannot be used, or aiohttp is not installed.
            OSError: the port is taken, or the address is not one of this machine.
            Exception: whatever `setup` raises.
        """
        with needing("a server of its own"):
            from primus.server.listen import Listening, create_server

        return await create_server(
            cls,
            on_connection,
            where=Listening(host, port, reuse_port, sock),
            setup=setup,
            options={**options},
        )

    @property
    def url(self) -> str:
        """Where the server made by `create_server` listens.

        Raises:
            NotListeningError: another one owns the HTTP server.
        """
        return self._listening()[0]

    @property
    def port(self) -> int:
        """The port that the server made by `create_server` listens on.

        Raises:
            NotListeningError: another one owns the HTTP server.
        """
        return self._listening()[1]

    def _listening(self) -> tuple[str, int]:
        if self.host is None or self.host.listening is None:
            raise NotListeningError("only a Primus made by create_server knows where it listens")
        return self.host.listening

    @property
    def asgi(self) -> AsgiHost:
        """The ASGI application to run, or, of a Primus without a server, to mount.

        ``uvicorn main:primus.asgi``, or ``app.mount(primus.pathname, primus.asgi)``.

        Raises:
            AttachError: it is attached to something else, or ASGI cannot carry its transformer.
        """
        return asgi_application(self)

    # -- sparks

    @property
    def connected(self) -> int:
        """How many sparks there are."""
        return len(self._sparks)

    def __len__(self) -> int:
        return len(self._sparks)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[SparkT_co]:
        """Iterate over the sparks there are now; they may come and go meanwhile."""
        return iter(self._sparks)

    def spark(self, id: str) -> SparkT_co | None:
        """The spark with that id, or `None`.

        It is also found by the secret that its wire knows it by: over polled engine.io a client of
        Primus for Node.js knows no other id of its own.
        """
        return self._sparks.get(id)

    def write(
        self,
        data: Any,
        *,
        to: Iterable[Spark] | None = None,
        everywhere: bool = False,
        ordered: bool | None = None,
    ) -> None:
        """Send `data` to every spark, encoded and framed once for all of them.

        From another thread it is handed over to the event loop, behind what that thread wrote
        before; ``primus.thread.write`` waits until it has been written.

        Args:
            data: the message.
            to: the sparks of this server that get it; `None` for all.
            everywhere: whether all sparks of all servers get it; needs the plugin ``backplane``.
            ordered: whether all servers send it in one order with what others write, this one too;
                `None` for what the option ``backplane_ordered`` says.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``; no spark gets it.
            ParserError: the parser has no form for `data`; no spark gets it. Behind an async
                transform, or an async parser, it is an ``error`` of each spark instead.
            PluginError: `everywhere` is set without the plugin ``backplane``, or with `to`.
            TypeError: `to` is a single spark, or has ids.
        """
        if to is not None:
            check_recipients(to)
        if everywhere:
            self._write_everywhere(data, to, ordered)
        elif self.is_elsewhere:
            self.handed_over(self._write, self.encoded_here(data), to)
        else:
            self._write(data, to)

    def relay(self, frame: str | bytes, *, to: Iterable[Spark] | None = None) -> None:
        """Send a frame that this server's parser, or the same one elsewhere, has made.

        Nothing is encoded again; with an outgoing transform it is decoded for that. Text that peers
        obey is not looked for: a frame must come from what refuses it, as `write` does.

        Args:
            frame: the frame, with its separators escaped.
            to: the sparks of this server that get it; `None` for all.

        Raises:
            ParserError: it has to be decoded and cannot be.
            ControlTextError: it was decoded, and is text that begins with ``primus::``.
        """
        if self.is_elsewhere:
            self.handed_over(self._relay, frame, to)
        else:
            self._relay(frame, to)

    def _write(self, data: Any, to: Iterable[Spark] | None) -> None:
        broadcast(self if to is None else to, data, self.parser, self.pipeline)

    def _relay(self, frame: str | bytes, to: Iterable[Spark] | None) -> None:
        relay(self if to is None else to, frame, self.parser, self.pipeline)

    def _write_everywhere(
        self, data: Any, to: Iterable[Spark] | None, ordered: bool | None
    ) -> None:
        backplane = vars(self).get("backplane")
        if backplane is None or to is not None:
            why = "needs the plugin 'backplane'" if to is None else "goes to all sparks, not `to`"
            raise PluginError(f"write(everywhere=True) {why}")
        if self.is_elsewhere:
            self.handed_over(backplane.write, self.encoded_here(data), ordered)
        else:
            backplane.write(data, ordered)

    @property
    def thread(self) -> Self:
        """The server as another thread sees it: sync views and routes, and background tasks.

        Each call runs on the event loop of the sparks; the thread waits for it, and gets what is
        returned, or awaited, or raised there. Sparks and rooms that it gets are seen in the same
        way: ``primus.thread.spark(id).write("hello")``.
        """
        return cast("Self", ThreadView(self, self.home))

    @property
    def is_elsewhere(self) -> bool:
        """Whether the current thread is not that of the sparks."""
        return self.home is not None and self.home.thread != get_ident()

    def handed_over(self, fn: Callable[..., Any], *args: Any) -> bool | None:
        """Let the loop of the sparks call a function, if this is another thread.

        Returns:
            `None` when this is the thread of the sparks, or there are none yet, and nothing has
            been done; else whether the loop takes the call. What it raises there is logged, and
            emitted as ``log``.
        """
        home = self.home
        if home is None or home.thread == get_ident():
            return None
        return home.hand_over(self._report_late, fn, *args)

    def encoded_here(self, data: Any) -> Any:
        """What another thread hands over to `write`: the frame, where it can be made there.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``.
            ParserError: the parser has no form for `data`.
        """
        return encoded_here(data, self.parser, self.pipeline)

    def _report_late(self, error: Exception) -> None:
        """Report what a call has raised that another thread handed over."""
        self._log_raised(f"{self!r}: a call from another thread raised {error!r}", error)
        self.dispatch("log", "error", error)

    @property
    def stats(self) -> Stats:
        """The numbers of this server up to now, added up when they are asked for."""
        return self._tally.stats(self._sparks)

    def _failed(self, event: str, error: BaseException) -> None:
        self._tally.listener_errors += 1
        super()._failed(event, error)

    def _log_raised(self, text: str, error: BaseException) -> None:
        """Log an error of the user's code, once however often a peer causes it."""
        self.failures.log(self.log, text, error, self.options.clock.time())

    @overload
    def for_each(self, fn: Callable[[SparkT_co], Coroutine[Any, Any, Any]]) -> Awaitable[None]: ...
    @overload
    def for_each(self, fn: Callable[[SparkT_co], Any]) -> Awaitable[None] | None: ...
    def for_each(self, fn: Callable[[SparkT_co], Any]) -> Awaitable[None] | None:
        """Call `fn` with every spark; one that returns `False` stops the iteration.

        Returns:
            `None`, or, when `fn` is async, an awaitable; it calls `fn` for one spark after
            the other, those that connect meanwhile included.
        """
        return self._sparks.for_each(fn)

    # -- authorization, middleware, transforms and plugins

    def authorize(self, fn: Function) -> Function:
        """Let `fn(request)`, plain or async, decide about every request and upgrade.

        It refuses by raising `Unauthorized`. Works as a decorator.

        Raises:
            TypeError: `fn` is not callable, or cannot be called with the request alone.
        """
        if not callable(fn):
            raise TypeError(f"authorize only accepts functions, not {fn!r}")
        if (why := no_handler(fn)) is not None:
            raise TypeError(f"{fn!r} cannot authorize: {why}")
        self.authorization = fn
        self._library.changed()
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

        Raises:
            OptionError: `name` is no text, or the function cannot be called with the request alone.
        """
        if not isinstance(name, str):
            raise OptionError(f'the name of a layer comes first, as in before("log", fn): {name!r}')
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

    def uses(self, *names: str) -> bool:
        """Whether one of these plugins is in use, or named in the option ``plugin``.

        Args:
            names: of plugins, without ``primus-``.
        """
        return self._ark.admits(*names)

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
        if not isinstance(name, str):
            raise InvalidPluginError(
                f"the name of a plugin comes first, as in use('mine', plugin), not {name!r}"
            )
        if plugin is None or isinstance(plugin, str):
            ((name, plugin),) = plugins_named({name: plugin}).items()
        self._ark.admit({name: plugin})
        self._install(name)
        return self

    def _install(self, name: str) -> None:
        """Use a plugin that has been admitted."""
        from primus.server.install import install

        self._additions[name] = install(self, self._ark, name)
        self._collect_hooks()
        self.dispatch("plugin", name, self._ark[name])

    def plugout(self, name: str) -> bool:
        """Undo all that using a plugin did; False when it is not in use."""
        if name not in self._ark:
            return False
        plugin = self._ark[name]
        self.dispatch("plugout", name, plugin)
        from primus.server.install import uninstall

        uninstall(self, self._ark, name, self._additions.pop(name))
        self._collect_hooks()
        return True

    def plugin(self, name: str | None = None) -> Any:
        """The plugin in use by that name, or `None`; without a name, all of them."""
        return self._ark if name is None else self._ark.get(name)

    def _collect_hooks(self) -> None:
        self._connection_hooks = self._ark.collect("primus_connection")
        self._disconnection_hooks = self._ark.collect("primus_disconnection")
        self.Spark.overtaking_hooks = self._ark.collect("primus_overtakes")
        self.Spark.event_hooks = self._ark.collect("primus_event")
        self.Spark.loss_hooks = self._ark.collect("primus_lost")
        self.Spark.latency_hooks = self._ark.collect("primus_latency")
        self.Spark.control_hooks = self._ark.collect("primus_control")
        self._library.changed()

    # -- clients

    def relocate(self, pathname: str) -> None:
        """Be found at another pathname; called by hosts before the first request."""
        if pathname != self.pathname:
            self.pathname = pathname
            self._library.changed()

    @property
    def spec(self) -> dict[str, Any]:
        """What a client has to know; durations in milliseconds, `False` for disabled ones."""
        return {
            "version": self.version,
            "pathname": self.pathname,
            "parser": self.parser_name,
            "transformer": self.transformer_name,
            "plugins": list(self._ark),
            "timeout": _milliseconds(self.options.timeout),
            "pingInterval": _milliseconds(self._ping_interval),
        }

    @property
    def _ping_interval(self) -> float | None:
        """How often clients are pinged; never, when all of them are taken to ping themselves."""
        legacy = self.options.heartbeat is Generation.LEGACY
        return None if legacy else self.options.ping_interval

    def library(self, format: Literal["umd", "esm"] = "umd", *, minified: bool = False) -> str:
        """The browser client that fits this server, plugins included.

        Args:
            format: ``"umd"`` for scripts, AMD and CommonJS, or ``"esm"``.
            minified: whether what was minified when its wheel was built is taken in that form,
                which is for browsers: in Node, use the readable one.
        """
        return self._library.text(format, minified=minified)

    def library_url(self, format: Literal["umd", "esm"] = "umd", *, base: str = "") -> str:
        """The URL under which pages may keep the client for ever: it changes with the client.

        Args:
            format: as of `library`.
            base: what stands before the path: an origin, such as ``"https://rt.example"``, for
                pages that come from elsewhere.
        """
        return f"{base.rstrip('/')}{self.pathname}/{self._library.hashed_name(format)}"

    def library_integrity(self, format: Literal["umd", "esm"] = "umd") -> str:
        """The digest of the client, for the attribute ``integrity`` (Subresource Integrity).

        Args:
            format: as of `library`.
        """
        return self._library.served(format).integrity

    def script_tag(self, *, base: str = "", nonce: str | None = None) -> Markup:
        """The element that loads the client into a page, by its lasting URL and with its digest.

        Templates of Jinja and Django insert it as it is: ``{{ primus.script_tag() }}``.

        Args:
            base: as of `library_url`.
            nonce: the nonce of the page's Content-Security-Policy.
        """
        return script_element(
            self.library_url(base=base),
            integrity=self.library_integrity(),
            crossorigin="anonymous" if base else None,
            nonce=nonce,
        )

    def library_file(self, name: str) -> tuple[Artefact, dict[str, str]] | None:
        """A file of the client as it is served, and its headers; `None` for any other name."""
        return self._library.file(name)

    def declarations(self, format: Literal["umd", "esm"] = "umd") -> str:
        """The TypeScript declarations of the browser client.

        Args:
            format: ``"umd"`` for ``primus.d.ts``, beside ``primus.js``; ``"esm"`` for
                ``primus.d.mts``, beside ``primus.mjs``.
        """
        return self._library.declarations(format)

    def save(
        self,
        path: str | Path,
        *,
        format: Literal["umd", "esm"] | None = None,
        minified: bool = False,
    ) -> None:
        """Write the browser client to a file: as a module when its name ends in ``.mjs``.

        The declarations go with them as ``.d.ts`` and, for the module, ``.d.mts``.

        Args:
            path: the file.
            format: as of `library`; `None` for what its name asks for.
            minified: as of `library`; the source map is written beside it, as ``.map``.
        """
        self._library.save(path, format=format, minified=minified)

    def _library_parts(self) -> LibraryParts:
        from primus.browser.library import Browser, LibraryParts

        parser = browser_half(self.parser)
        if parser is None:
            raise PluginError(f"the parser {self.parser_name!r} has no browser half")
        halves = {name: self._ark.call(name, "primus_browser", primus=self) for name in self._ark}
        for name, half in halves.items():
            if half is not None and not isinstance(half, Browser):
                raise HookError(
                    f"the plugin {name!r}: primus_browser must give a Browser, not {half!r}"
                )
        interval, timeout = self._ping_interval, self.options.timeout
        return LibraryParts(
            version=self.version,
            pathname=self.pathname,
            global_name=self.options.global_name,
            transformer=self.transformer.browser(),
            parser=parser,
            plugins={name: half for name, half in halves.items() if half is not None},
            authorization=self.authorization is not None,
            ping_timeout=None if interval is None else 1.5 * interval,
            keep_alive=None if interval or timeout is None else KEEP_ALIVE * timeout,
            transformer_name=self.transformer_name,
            parser_name=self.parser_name,
        )

    @property
    def Socket(self) -> type[_Socket]:
        """The client class that fits this server."""
        from primus.client.socket import Socket
        from primus.client.socket_class import socket_class

        return socket_class(
            Socket,
            transformer=type(self.transformer),
            parser=self.parser,
            plugins=dict(self._ark),
            pathname=self.pathname,
            ping_timeout=self._ping_interval and 1.5 * self._ping_interval,
            timeout=self.options.timeout,
            authorization=self.authorization is not None,
        )

    @overload
    @staticmethod
    def create_socket(
        *,
        transformer: Any = "websockets",
        parser: Any = "json",
        plugin: Any = None,
        pathname: str = "/primus",
    ) -> type[_Socket]: ...
    @overload
    @staticmethod
    def create_socket(
        *,
        socket: type[SocketT],
        transformer: Any = "websockets",
        parser: Any = "json",
        plugin: Any = None,
        pathname: str = "/primus",
    ) -> type[SocketT]: ...
    @staticmethod
    def create_socket(
        *,
        socket: type[Any] | None = None,
        transformer: Any = "websockets",
        parser: Any = "json",
        plugin: Any = None,
        pathname: str = "/primus",
    ) -> type[Any]:
        """A client class for a server elsewhere, which has to be configured alike.

        Args:
            socket: what it derives from: `Socket`, or a class of the application's own.
            transformer: as of the server; so are the others.
            parser: a name, or a `Parser`.
            plugin: the plugins, in any form that the option ``plugin`` takes.
            pathname: where Primus lives on it.
        """
        from primus.client.socket import Socket
        from primus.client.socket_class import socket_class

        return socket_class(
            Socket if socket is None else socket,
            transformer=transformer_named(transformer)[1],
            parser=parser_named(parser)[1],
            plugins=plugins_named(plugin_names(plugin)),
            pathname=pathname,
        )

    # -- what hosts and transformers call

    def handle(self, request: Request) -> Coroutine[Any, Any, Response | None]:
        """Answer a request below the pathname; `None` once an upgrade has been taken over."""
        if not self._initialised:
            self.initialise()
        refused = gate.refusal(self, request)
        if refused is not None:
            return _ready(self._refused(request, refused, "malformed"))
        if self.elsewhere is not None:
            return self._respond_somewhere(request, self.elsewhere)
        return self._open(request) if self.transformer.opens(request) else self._respond(request)

    async def _respond_somewhere(self, request: Request, elsewhere: Elsewhere) -> Response | None:
        """Answer a request in the process that its session lives in."""
        answered = await elsewhere.answer(request)
        if answered is not None:
            return answered[0]
        return await (
            self._open(request) if self.transformer.opens(request) else self._respond(request)
        )

    async def _open(self, request: Request) -> Response | None:
        """Answer a request for a new connection, if there may be one more."""
        if not self._seats.take(request):
            return self._refused(request, Response.error(503), "full")
        try:
            response = await self._respond(request)
        finally:
            self._seats.leave(request)
        if response is not None and response.status >= 400:
            self._refused(request, response, self._reason(response.status))
        return response

    def _reason(self, status: int) -> str:
        """What `stats` calls a refusal with this status."""
        if status == 503:
            return "shutdown" if self.draining else "full"
        return REFUSALS.get(status, "malformed" if status < 500 else "failed")

    def _refused(self, request: Request, response: Response, reason: str) -> Response:
        """Count and log a request that opens no connection."""
        self._tally.refused[reason] += 1
        if self.log.isEnabledFor(logging.INFO):
            ip = request.address.printable
            self.log.info("refused %r of %s: %s (%d)", request, ip, reason, response.status)
        return response

    async def _respond(self, request: Request) -> Response | None:
        """Answer a request that may be looked at."""
        try:
            response = self.layers.run(request)
            if response is not None and not isinstance(response, Response):
                response = await self._limited(response)
        except Unauthorized as error:
            return authorization.refusal(error)
        except UNREADABLE as error:
            return self._unreadable(request, error)
        except Exception as error:
            self._log_raised(f"a middleware layer raised for {request!r}", error)
            return Response.error(500)
        if response is not None:
            return response
        try:
            if not request.upgrade:
                return await self.transformer.request(request)
            return Response.error(503) if self.draining else await self.transformer.upgrade(request)
        except ServerFullError:
            return Response.error(503)
        except UNREADABLE as error:
            return self._unreadable(request, error)

    def _unreadable(self, request: Request, error: Exception) -> Response:
        """Answer a request whose body was not as its reader wants it."""
        self.log.debug("the body of %r was not read: %s", request, error)
        return Response.error(413 if isinstance(error, BodyTooLarge) else 400)

    async def _limited(self, pending: Awaitable[Response | None]) -> Response | None:
        """Wait for layers that are async, as long as a handshake may take."""
        limit = Within(self.limits.handshake_timeout)
        try:
            async with limit:
                with ending.deciding(self):
                    return await pending
        except TimeoutError:
            if limit.expired:
                return Response.error(408)
            raise

    def initialise(self) -> None:
        """The HTTP server runs: emit ``initialised``, once."""
        if not self._initialised:
            self._initialised = True
            for text in unused(type(self), self.Spark, self._ark):
                self.log.warning("%s, which is not in use: its members do not work", text)
            self.dispatch("initialised", self.transformer, self.parser, self.options)

    def stamp(self) -> int:
        """The time that a ping carries, in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def accept(self, transport: Transport, request: Request, id: str | None = None) -> SparkT_co:
        """Make a spark for a connection that has been opened.

        Args:
            transport: the wire; it does not read yet, or what it reads has not been fed yet.
            request: what it was opened with.
            id: what the wire's own protocol knows it by, if anything. That may be a secret, so it
                is never `Spark.id`; `spark` finds the spark by it as well.

        Raises:
            ServerFullError: there are ``max_sparks`` connections, and `Transformer.opens` did not
                say that `request` would become one more.
        """
        self._seats.admit(request)
        if self.home is not (home := here(self.home)):
            self._move(home)
        generation = self.options.heartbeat
        if generation is Generation.UNKNOWN:
            generation = transport.generation
        spark = self.Spark(request, self._sparks.new_id(), generation)
        self._sparks.add(spark, id)
        self.prepare(spark)
        spark.attach(transport)
        spark.open()
        self._heartbeats.add(spark)
        self._tally.connections += 1
        if self.log.isEnabledFor(logging.INFO):
            self.log.info("%s has connected", spark._named())
        handlers: list[Callable[..., Any]] = [*self._connection_hooks, *self._take("connection")]
        run_connection_phase(spark, iter(handlers))
        return spark

    def _move(self, home: Home) -> None:
        """Live on this thread and loop from now on."""
        self.home = home
        limit = self.options.slow_listener
        self._unwatch()
        if limit is not None and home.loop is not None:
            self._watched = Watched(home, limit, self.log)
            WATCHDOG.watch(self._watched)

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            WATCHDOG.unwatch(watched)

    def departed(self, spark: Spark) -> None:
        """Forget a spark that has ended."""
        if not self._sparks.remove(spark):
            return
        self._heartbeats.discard(spark)
        for hook in self._disconnection_hooks:
            try:
                hook(spark)
            except Exception as error:
                self._log_raised(f"a primus_disconnection hook raised for {spark!r}", error)
        self.dispatch("disconnection", spark, spark.closed)
        self._sparks.removed()

    # -- the end

    async def destroy(
        self,
        *,
        close: bool = True,
        reconnect: bool = False,
        timeout: float = 0,
        over: float = 0,
    ) -> None:
        """Stop: refuse new handshakes, end every spark, and emit ``close``.

        It goes on to its end even when the caller is cancelled; called again, it waits for
        the same end. A layer, an authorization handler or a listener of the end, which that end
        waits for, does not wait for it in turn: there it returns at once.

        Args:
            close: stop the HTTP server too, when it was made by `create_server`.
            reconnect: let the clients come back, rather than tell them to stay away.
            timeout: seconds that connections get to end by themselves first; with `over`, that
                those get which have been told to end.
            over: seconds over which the connections are ended, evenly: ``n / over`` of them a
                second, so that their clients do not all come back at once. 0 ends all together.
        """
        if self._destroying is None:
            self.draining = True  # at once: what does not wait for the end is not let in either
            options = {"close": close or reconnect, "reconnect": reconnect, "timeout": timeout}
            if over > 0:
                options["over"] = over
            self._destroying = spawn(self._stop(options))
        if not ending.awaits_caller(self):
            await asyncio.shield(self._destroying)

    end = destroy

    def end_together(self) -> None:
        """Let `destroy` end the connections together, whatever its `over` says: now, or later."""
        self._ends_together = True
        if self._spreading is not None:
            self._spreading.cancel()

    async def _stop(self, options: Mapping[str, Any]) -> None:
        ending.begin(self)

        def end(spark: Spark) -> None:
            try:
                spark.end(reconnect=options["reconnect"])
            except Exception:
                self.log.exception("%r: its transport failed to close", spark)

        if "over" in options and not self._ends_together:
            self._spreading = spawn(end_over(self, options["over"], self.options.clock, end))
            await asyncio.wait((self._spreading,))
        if not await self._sparks.gone(options["timeout"]):
            self.log.info("%d connections did not end by themselves", len(self))
        self.ending_since = asyncio.get_running_loop().time()
        for spark in self:
            end(spark)
        try:
            await self.transformer.close()
            self._heartbeats.stop()
            await ending.announce(self, self._listeners.get("close", ()), options)
            for name in reversed(tuple(self._ark)):
                self.plugout(name)
        finally:
            if self.host is not None:
                await self.host.close(stop=options["close"])
            self.writes.stop()
            self._unwatch()
            self.off()


suggest(Primus, "Primus")


def _spark_class(primus: Primus[Any]) -> type[Any]:
    """A Spark class of its own for each server, so that plugins extend only theirs."""
    options, base = primus.options, primus.spark_class
    attributes = {
        "__module__": base.__module__,
        "__doc__": base.__doc__,
        "primus": primus,
        "events": ReservedEvents(SPARK_EVENTS),
        "log": primus.log,
        "slow_consumer": options.slow_consumer,
        "limits": primus.limits,
        "failures": primus.failures,
        "tally": primus._tally,
        "drops": Quota(primus.limits.warnings_per_second),
        "overtaking_hooks": (),
        "event_hooks": (),
        "loss_hooks": (),
        "latency_hooks": (),
        "control_hooks": (),
    }
    return type(base.__name__, (base,), attributes)


async def _ready(response: Response) -> Response:
    """An answer, where one is awaited."""
    return response


def _milliseconds(duration: float | None) -> int | bool:
    return False if duration is None else round(duration * 1000)
