"""The states of a client: opening, open and closed, and what leads from one to another."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from primus.client.address import Address, Stamps
from primus.client.heartbeat import Heartbeat, rhythm
from primus.client.reconnect import Reconnection
from primus.client.sending import Queueing
from primus.connection import CLOSED, OPEN, OPENING
from primus.errors import ConnectTimeout, OptionError, TransportError
from primus.parser import is_json
from primus.protocol import id_request
from primus.tasks import spawn
from primus.transformer import Dial

if TYPE_CHECKING:
    from primus.client.fit import Fit
    from primus.clock import Timer
    from primus.options import ClientOptions
    from primus.pipeline import Pipeline
    from primus.recovery import Attempt

__all__ = ["Lifecycle"]

_stamps = Stamps()


class Lifecycle(Queueing):
    """A connection that is opened, lost and opened again."""

    def __init__(
        self, address: Address, fit: Fit, options: ClientOptions, pipeline: Pipeline
    ) -> None:
        super().__init__(fit.parser, pipeline, options)
        self.options = options
        """The options in force."""
        self.online = True
        """False from ``offline`` to ``online``."""
        self._fit = fit
        self._address = address
        self._strategy = fit.strategy(options.strategy)
        self._dial: asyncio.Task[None] | None = None
        self._attempt: object = None
        self._connect_timer: Timer | None = None
        self._server_closed = False
        self._over = True
        self._begun = False
        self._waiters: list[asyncio.Future[None]] = []
        self._reconnection = Reconnection(
            options.reconnect,
            options.clock,
            self.dispatch,
            attempt=self._try_again,
            abandon=self._abandon,
            give_up=self._conclude,
        )
        self._heartbeat = Heartbeat(
            rhythm(options.ping, options.pong, options.ping_timeout, fit.timeout),
            options.clock,
            ask=lambda: self._tell(id_request()),
            traffic=lambda: (self.sent_at, self.seen_at),
            is_held=self._is_held,
            expired=self._silent,
        )

    # -- opening

    def _connect(self) -> None:
        """Open a wire."""
        self._server_closed = False
        self._become(OPENING)
        if self._state == OPENING and self._attempt is None:
            self._attempt = attempt = object()
            dial = spawn(self._open_wire(attempt))
            if self._attempt is attempt:  # an eager task may be done already
                self._dial = dial

    async def _open_wire(self, attempt: object) -> None:
        options = self.options
        try:
            address = self._address.dialled(_stamps.next(time.time_ns() // 1_000_000))
            if self._spied:
                self.dispatch("outgoing::url", address)
                self.dispatch("outgoing::open")
            dial = Dial(
                str(address),
                options.max_length,
                options.compression,
                options.transport,
                json=is_json(self._fit.parser),
            )
            await self._fit.connector.open(dial, self)
        except Exception as error:
            if self._attempt is attempt:
                self._attempt = self._dial = None
                self._dial_failed(error)
            return
        if self._attempt is attempt:
            self._attempt = self._dial = None
            self._opened()
        else:
            self._abort_transport()

    def _opened(self) -> None:
        transport = self._transport
        if transport is None:
            self._dial_failed(TransportError("the connection was closed as soon as it was open"))
            return
        if self._spied:
            self.dispatch("incoming::open")
        self._cancel_timer()
        self._reconnection.succeeded()
        if not self.online:
            self.online = True
            self.dispatch("online")
        if self._transport is transport:
            self._become(OPEN)
        if self._transport is not transport or self._state != OPEN:
            return
        self.seen()
        self.sent_at = self.seen_at
        self._heartbeat.start(self._fit.pings)
        self._flush()
        if self._transport is transport:
            self._wake(None)
            self.dispatch("open")
        if self._transport is transport and self._state == OPEN:
            self._heartbeat.ask()
            transport.resume_reading()

    def _dial_failed(self, error: Exception) -> None:
        """The wire could not be opened."""
        if isinstance(error, OptionError):
            self._wake(error)
            self._report(error)
            self.end()  # trying again would not help
            return
        if not isinstance(error, TransportError):
            cause = error
            error = TransportError(f"could not connect to {self._address.host}: {cause!r}")
            error.__cause__ = cause
        if self._spied:
            self.dispatch("incoming::error", error)
        if self._reconnection.active:
            self._become(CLOSED)
            self.log.info("%r: %s", self, error)
            self._reconnection.failed(error)
            return
        self._cancel_timer()
        self._wake(error)
        self._report(error)
        self._retry_or_end()

    def _late(self) -> None:
        """The first connection was not open in time."""
        self._connect_timer = None
        seconds = self.options.timeout
        self._wake(ConnectTimeout(f"{self._address.host} did not answer within {seconds} s"))
        self.dispatch("timeout")
        self._retry_or_end()

    def _retry_or_end(self) -> None:
        """The first connection could not be made."""
        if self._state != OPENING or self._over:
            return
        if "timeout" in self._strategy:
            self._abandon()
            if not self._over:
                self._reconnection.schedule()
        else:
            self.end()

    def _try_again(self, attempt: Attempt) -> None:
        if self._spied:
            self.dispatch("outgoing::reconnect")
        self._connect()
        if self._reconnection.active:
            self.dispatch("reconnect", attempt)

    def _abandon(self) -> None:
        """Give up on a wire that does not open."""
        self._stop_dialling()
        self._become(CLOSED)

    def _stop_dialling(self) -> None:
        self._attempt = None
        dialling, self._dial = self._dial, None
        if dialling is not None:
            dialling.cancel()
            self._remember(dialling)

    # -- losing

    def _silent(self) -> None:
        """The server has been silent for too long."""
        if self.online:
            self.online = False
            self.dispatch("offline")
        self._drop()

    def _drop(self) -> None:
        if self._transport is not None and self._state == OPEN:
            self._abort_transport()
            self._gone(None)

    def _ended(self, error: Exception | None) -> None:
        if self._state != OPEN:
            return
        if error is not None:
            self._report(error)
        if self._state == OPEN:
            self._gone(error)

    def _gone(self, error: Exception | None) -> None:
        """The connection has been open, and is no more."""
        if self._spied:
            self.dispatch("incoming::end")
        self._heartbeat.stop()
        if self._server_closed:
            self.end()
            return
        self._become(CLOSED)
        if self._state == CLOSED and not self._over:
            self.dispatch("close")
        if self._state != CLOSED or self._over or self._reconnection.active:
            return
        if "disconnect" in self._strategy:
            self._reconnection.schedule()
        else:
            self._conclude()

    # -- ending

    @abstractmethod
    def end(self, data: Any = None) -> None:
        """End the connection for good."""

    def _terminate(self) -> None:
        """Close for good, behind all that was written; nothing runs afterwards."""
        self._over = True
        self._cancel_timer()
        self._reconnection.reset()
        self._heartbeat.stop()
        self._stop_dialling()
        if self._inbox is not None:
            self._inbox.clear()
        self._become(CLOSED)
        self._finish()
        self.dispatch("close")
        if self._over:
            self._conclude()

    def _conclude(self) -> None:
        """Say that it is over."""
        self._over = True
        if self._spied:
            self.dispatch("outgoing::end")
        self._wake(TransportError(f"the connection to {self._address.host} has ended"))
        self._finish_iteration()
        self.dispatch("end")

    def _is_over(self) -> bool:
        return self._over and self._begun

    # -- waiting

    def _wake(self, error: Exception | None) -> None:
        """Tell those who wait for the connection to open."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _cancel_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None

    def _is_held(self) -> bool:
        """Whether we do not read, since what has arrived is still being handled."""
        return self._inbox is not None and self._inbox.paused
