"""`Socket`: a connection to a Primus server."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, ClassVar, Self, cast

from primus.client.address import parse_url
from primus.client.fit import Fit
from primus.client.identity import Identified
from primus.client.network import Subscription, watch
from primus.clock import expect
from primus.connection import CLOSED, OPEN, OPENING
from primus.errors import OptionError, PrimusError
from primus.events import ReservedEvents
from primus.pipeline import Pipeline
from primus.protocol import Side
from primus.transforming import Transforming

__all__ = ["FITTING", "SOCKET_EVENTS", "Socket"]

SOCKET_EVENTS = frozenset(
    {
        "close",
        "data",
        "destroy",
        "end",
        "error",
        "offline",
        "online",
        "open",
        "readyStateChange",
        "reconnect",
        "reconnect failed",
        "reconnect scheduled",
        "reconnect timeout",
        "reconnected",
        "timeout",
    }
)

FITTING = ("transformer", "parser", "plugin", "pathname")
"""The options that a class which fits no server yet takes in addition."""


class Socket(Transforming, Identified):
    """A connection to a Primus server, which reconnects when it is lost.

    It opens on the next turn of the running event loop, unless ``manual=True``, and can be
    used before: what is written is kept until it is open.

    Events: ``open``, ``data(message, raw)``, ``error(err)``, ``close``, ``end``,
    ``readyStateChange(state)``, ``timeout``, ``offline``, ``online``, ``reconnect(opts)``,
    ``reconnect scheduled(opts)``, ``reconnected(opts)``, ``reconnect timeout(err, opts)``,
    ``reconnect failed(err, opts)``, ``destroy``.

    Args:
        url: where the server is: ``http:``, ``https:``, ``ws:`` or ``wss:``. Its query string
            reaches the server; its path is not used.
        options: see docs/options.md. A class that was not made for a server also takes
            ``transformer``, ``parser``, ``plugin`` and ``pathname``.

    Raises:
        OptionError: the URL cannot be used, an option is unknown, or its value cannot work.
        PluginError: a transformer, parser or plugin is unknown, broken or invalid.
        RuntimeError: no event loop is running.
    """

    OPENING: ClassVar[int] = OPENING
    CLOSED: ClassVar[int] = CLOSED
    OPEN: ClassVar[int] = OPEN

    side = Side.CLIENT
    log = logging.getLogger("primus.client")
    events = ReservedEvents(SOCKET_EVENTS)
    fit: ClassVar[Fit | None] = None
    """What the class knows of its servers; `None` for the class that fits none yet."""

    def __new__(cls, url: str, **options: Any) -> Self:
        """A socket of a class that fits the server."""
        names = {name: options[name] for name in FITTING if name in options}
        if cls.fit is None:
            from primus.client.fitting import fitted

            return super().__new__(cast("type[Self]", fitted(cls, **names)))
        if names:
            raise OptionError(
                f"{', '.join(names)}: this Socket class has been made for a server; use "
                "primus.Socket, or create_socket, for another one"
            )
        return super().__new__(cls)

    def __init__(self, url: str, **options: Any) -> None:
        fit = self.fit
        assert fit is not None
        given = {name: value for name, value in options.items() if name not in FITTING}
        chosen = fit.options(given)
        self.url = url
        """Where the server is, as the user gave it."""
        super().__init__(parse_url(url, fit.pathname), fit, chosen, Pipeline())
        self._resuming = False
        self._destroyed = False
        self._subscription: Subscription | None = None
        self._opening: asyncio.Handle | None = None
        for name in fit.ark:
            fit.ark.call(name, "primus_socket", socket=self, options=chosen.extra)
        if not chosen.manual:
            self._over = False
            self._opening = asyncio.get_running_loop().call_soon(self._begin)

    def __repr__(self) -> str:
        return f"<Socket {self._address.scheme}://{self._address.host}{self._address.pathname}>"

    # -- messages

    def write(self, data: Any) -> bool:
        """Send `data`, behind everything written before, or keep it until the socket is open.

        Returns:
            False when the socket has been destroyed.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``.
        """
        if self._destroyed:
            return False
        self._submit(data)
        return True

    # -- state

    def plugin(self, name: str | None = None) -> Any:
        """The plugin in use by that name, or `None`; without a name, all of them."""
        ark = self._fit.ark
        return ark if name is None else ark.get(name)

    # -- life

    def open(self) -> Self:
        """Open the connection; nothing happens when that is under way already.

        Raises:
            PrimusError: the socket has been destroyed.
        """
        if self._destroyed:
            raise PrimusError("a socket that has been destroyed cannot be opened")
        if self._over or self._opening is not None or self._reconnection.active:
            self._begin()
        return self

    def _begin(self) -> None:
        """Start the first connection, now."""
        self._cancel_opening()
        self._reconnection.reset()
        self._stop_dialling()
        self._over = self._resuming = False
        self._begun = True
        if self._transport is not None:
            self._close_transport(self._transport)
        if self._messages is not None and self._messages.is_finished:
            self._stop_iteration(self._messages)
        if self._subscription is None:
            self._subscription = watch(
                self.options.network, self._address, self.options.transport, self._network
            )
        if self.options.timeout is not None:
            self._cancel_timer()
            self._connect_timer = expect(self.options.clock, self.options.timeout, self._late)
        self._connect()

    async def opened(self) -> Self:
        """Open the connection if need be, and wait until it is open.

        Returns:
            The socket itself.

        Raises:
            HandshakeError: the server refused it.
            ConnectTimeout: it was not open within ``timeout`` seconds.
            TransportError: the first attempt failed, or the connection ended.
        """
        if self._over:
            self.open()
        if self._state != OPEN:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self

    def end(self, data: Any = None) -> None:
        """End the connection for good; what was written before still arrives.

        Emits ``end`` once, and stops a reconnection that is under way.

        Args:
            data: a last message; `None` for none.
        """
        self._resuming = False
        self._unwatch()
        self._end(data)
        self._finish_iteration()

    def _end(self, data: Any = None) -> None:
        if self._over:
            return
        idle = self._state == CLOSED and self._opening is None
        self._cancel_opening()
        if idle:
            self._reconnection.reset()
            self._conclude()
            return
        if data is not None:
            self.write(data)
        self._terminate()

    def destroy(self) -> bool:
        """End the connection, emit ``destroy`` and remove all listeners.

        Returns:
            False when that has happened already.
        """
        if self._destroyed:
            return False
        self._destroyed = True
        self.end()
        self._queue.clear()
        self.dispatch("destroy")
        self.off()
        return True

    async def __aenter__(self) -> Self:
        try:
            return await self.opened()
        except BaseException:
            self.end()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        await self.wait_closed()

    # -- inside

    def _cancel_opening(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None

    # -- the network

    def _conclude(self) -> None:
        if not self._resuming:
            self._unwatch()
        super()._conclude()

    def _finish_iteration(self) -> None:
        # When the network is back the messages go on.
        if not self._resuming or "online" not in self._strategy:
            super()._finish_iteration()

    def _unwatch(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _network(self, online: bool) -> None:
        """The machine has come online, or gone offline."""
        if online == self.online or self._destroyed:
            return
        self.online = online
        if not online:
            self._resuming = not self._over
            self.dispatch("offline")
            self._end()
            return
        self.dispatch("online")
        if self._resuming and "online" in self._strategy:
            self._resuming = self._over = False
            self._reconnection.schedule()
