"""`Primus`: the server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

from primus.clock import Within
from primus.errors import NotListeningError, Unauthorized
from primus.events import ReservedEvents
from primus.failures import Failures
from primus.heartbeat import HeartbeatPolicy
from primus.http import ClientGone, Request, Response
from primus.options import plugin_names, server_options
from primus.pipeline import Pipeline, is_awaitable
from primus.plugins import Ark
from primus.registry import check_frames, parser_named, plugins_named, transformer_named
from primus.server import gate
from primus.server.hosts import Host, asgi_application, attach
from primus.server.layers import Layers
from primus.server.middleware import authorization, built_in
from primus.server.monitor import HeartbeatMonitor
from primus.server.population import Population
from primus.server.spark import SPARK_EVENTS, Spark
from primus.tasks import spawn
from primus.write_watch import WriteWatch

if TYPE_CHECKING:
    from primus.server.hosts.asgi import AsgiHost

__all__ = ["Primus"]

SERVER_EVENTS = frozenset(
    {"disconnection", "initialised", "connection", "plugout", "plugin", "close", "log"}
)


_stopping: ContextVar[object] = ContextVar("primus_stopping", default=None)
"""The Primus whose end the current task is part of."""


class _Deciding:
    """A request whose layers are at work for a Primus, and for none once they are done."""

    __slots__ = ("primus",)

    def __init__(self, primus: Primus) -> None:
        self.primus: Primus | None = primus


_deciding: ContextVar[_Deciding | None] = ContextVar("primus_deciding", default=None)
"""The request that the current task, or the one which started it, decides about."""


class Primus(Population):
    """A server of real-time connections, attached to an HTTP server.

    Events: ``connection(spark)``, ``disconnection(spark)``, ``initialised(transformer,
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

    log: ClassVar[logging.Logger] = logging.getLogger("primus.server")

    def __init__(self, server: Any = None, **options: Any) -> None:
        super().__init__()
        self._ark = Ark()
        plugins = self._ark.admit(plugins_named(plugin_names(options.get("plugin"))))
        self.options = server_options(options, self._ark.options())
        self.limits = self.options.limits()
        """What one peer may cost."""
        self.failures = Failures(self.limits.traceback_interval)
        self.pathname = self.options.pathname
        self.authorization = self.options.authorization
        self.events = ReservedEvents(SERVER_EVENTS)
        self.pipeline = Pipeline()
        self.parser_name, self.parser = parser_named(self.options.parser, self._ark)
        self.transformer_name, kind = transformer_named(self.options.transformer, self._ark)
        check_frames(kind, self.parser)
        self.Spark = _spark_class(self)
        self.layers = Layers()
        for layer in built_in(self):
            self.layers.add(layer)
        self._additions = {}
        self._connection_hooks = ()
        self._disconnection_hooks = ()
        self._connections = {}
        self._keyed = {}
        self._empty = None
        self._monitor = HeartbeatMonitor(
            HeartbeatPolicy(self.options.timeout, self.options.ping_interval), self.options.clock
        )
        self._libraries = {}
        self.draining = False
        """Whether new handshakes are refused, since the server is being destroyed."""
        self._destroying: asyncio.Task[None] | None = None
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
        setup: Callable[[Primus], Any] | None = None,
        **options: Any,
    ) -> Primus:
        """Make and start an HTTP server with a Primus.

        Args:
            on_connection: listens to ``connection``.
            host: the address to listen on; `None` for every interface.
            port: the port; 0 picks a free one.
            setup: called, or awaited, with the Primus before it listens.
            options: those of `Primus`, and for TLS either ``ssl_context`` or ``root``,
                ``cert``, ``key``, ``ca``, ``pfx`` and ``passphrase``.

        Raises:
            PrimusError: an option cannot be used.
            OSError: the port is taken, or the address is not one of this machine.
            Exception: whatever `setup` raises.
        """
        from primus.server.listen import create_server

        return await create_server(
            cls, on_connection, host=host, port=port, setup=setup, options=options
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

    # -- what hosts and transformers call

    async def handle(self, request: Request) -> Response | None:
        """Answer a request below the pathname; `None` once an upgrade has been taken over."""
        self.initialise()
        refused = gate.refusal(self, request)
        if refused is not None:
            return refused
        try:
            response = self.layers.run(request)
            if isinstance(response, Awaitable):
                response = await self._limited(response)
        except Unauthorized as error:
            return authorization.refusal(error)
        except ClientGone:
            return Response.error(400)
        except Exception:
            self.log.exception("a middleware layer raised for %r", request)
            return Response.error(500)
        if response is not None:
            return response
        if request.upgrade:
            return Response.error(503) if self.draining else await self.transformer.upgrade(request)
        return await self.transformer.request(request)

    async def _limited(self, pending: Awaitable[Response | None]) -> Response | None:
        """Wait for layers that are async, as long as a handshake may take."""
        limit = Within(self.limits.handshake_timeout)
        deciding = _Deciding(self)
        token = _deciding.set(deciding)
        try:
            async with limit:
                return await pending
        except TimeoutError:
            if limit.expired:
                return Response.error(408)
            raise
        finally:
            deciding.primus = None
            _deciding.reset(token)

    def initialise(self) -> None:
        """The HTTP server runs: emit ``initialised``, once."""
        if not self._initialised:
            self._initialised = True
            self.dispatch("initialised", self.transformer, self.parser, self.options)

    def stamp(self) -> int:
        """The time that a ping carries, in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    # -- the end

    async def destroy(
        self, *, close: bool = True, reconnect: bool = False, timeout: float = 0
    ) -> None:
        """Stop: refuse new handshakes, end every spark, and emit ``close``.

        It goes on to its end even when who awaits it is cancelled; called again, it waits for
        the same end. A layer, an authorization handler or a listener of the end, which that end
        waits for, does not wait for it in turn: there it returns at once.

        Args:
            close: stop the HTTP server too, when it was made by `create_server`.
            reconnect: let the clients come back, rather than tell them to stay away.
            timeout: seconds that connections get to end by themselves first.
        """
        if self._destroying is None:
            self.draining = True  # at once: who does not wait for the end is not let in either
            self._destroying = spawn(self._stop(close or reconnect, reconnect, timeout))
        deciding = _deciding.get()
        is_awaited = _stopping.get() is self or (deciding is not None and deciding.primus is self)
        if not is_awaited:  # else the end would wait for itself
            await asyncio.shield(self._destroying)

    end = destroy

    async def _stop(self, close: bool, reconnect: bool, timeout: float) -> None:
        _stopping.set(self)
        if timeout > 0 and self._connections:
            self._empty = asyncio.Event()
            try:
                await asyncio.wait_for(self._empty.wait(), timeout)
            except TimeoutError:
                self.log.info("%d connections did not end by themselves", len(self))
        for spark in self:
            try:
                spark.end(reconnect=reconnect)
            except Exception:
                self.log.exception("%r: its transport failed to close", spark)
        try:
            await self.transformer.close()
            self._monitor.stop()
            await self._emit_close({"close": close, "reconnect": reconnect, "timeout": timeout})
            for name in reversed(tuple(self._ark)):
                self.plugout(name)
        finally:
            if self.host is not None:
                await self.host.close(stop=close)
            self.writes.stop()
            self.off()

    async def _emit_close(self, options: dict[str, Any]) -> None:
        """``close`` listeners that are async are awaited."""
        for listener in self._listeners.get("close", ()):
            result = self._call("close", listener, (options,))
            if is_awaitable(result):
                await self._await_close(result)

    async def _await_close(self, result: Any) -> None:
        """Await a listener; one that awaits a task it has cancelled must not stop the end."""
        try:
            await self._guard("close", result)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.log.warning("a listener of 'close' was cancelled")


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
        "limits": primus.limits,
        "failures": primus.failures,
    }
    return type("Spark", (Spark,), attributes)
