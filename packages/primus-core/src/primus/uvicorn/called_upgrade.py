"""An upgrade that the application is called for, which may give its transport to a Primus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected

from primus.http import HandOver
from primus.server.hosts.asgi_scope import Event, Receive, Scope, Send
from primus.server.hosts.asgi_transport import EXTENSION, Offer
from primus.uvicorn.upgrades import Upgrade, Upgrading, note_accepted

__all__ = ["CalledUpgrade"]

log = logging.getLogger("uvicorn.error")

ABNORMAL: Final = 1006


class CalledUpgrade(Upgrade, Offer):
    """One call of the application, which lasts as long as the connection."""

    def __init__(self, protocol: Upgrading, scope: Scope) -> None:
        super().__init__(protocol)
        self._scope = scope
        scope["extensions"][EXTENSION] = self
        self._is_rejected = False
        self._ended = asyncio.Event()
        self._events: asyncio.Future[tuple[Receive, Send]] | None = None
        """Those of uvicorn's own class, once an event was asked for or sent."""
        self._outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        """That of the call, for uvicorn's own class."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        protocol.state.tasks.add(self._task)
        self._task.add_done_callback(protocol.state.tasks.discard)

    # -- what a Primus takes over

    @property
    def channel(self) -> tuple[Receive, Send]:
        """What the application is called with."""
        return self._receive, self._send

    @property
    def head_size(self) -> int:
        """Bytes of the head of the request."""
        return len(self._protocol.head)

    @property
    def headers(self) -> Iterable[tuple[str, str]]:
        """Those of uvicorn's option ``--header``."""
        return self._protocol.config.headers

    def _is_open(self) -> bool:
        return not (self._is_taken or self._is_rejected) and self._events is None

    def detach(self, native: Any) -> HandOver:
        """Take the connection."""
        handed = self._take(native)
        if log.isEnabledFor(logging.INFO):
            note_accepted(native)
        return handed

    def left(self) -> None:
        """Let the call of the application end."""
        super().left()
        self._ended.set()

    def reject(self, status: int) -> None:
        """Answer with nothing but a status."""
        if self._is_open() and not self._wire.is_closing():
            self._is_rejected = True
            self._protocol.refuse(status)

    async def gone(self) -> None:
        """Wait until the connection has gone."""
        await self._ended.wait()

    # -- the events of ASGI, where none does

    def lost(self) -> None:
        """Tell the application that the client has gone, if uvicorn's own class cannot."""
        if self._events is not None and not self._events.done():
            self._events.set_result((_disconnected, _refused))

    async def _receive(self) -> Event:
        receive, _ = await self._of_other()
        return await receive()

    async def _send(self, event: Event) -> None:
        _, send = await self._of_other()
        await send(event)

    def _of_other(self) -> asyncio.Future[tuple[Receive, Send]]:
        """The events of uvicorn's own class, which gets the connection when it has not yet."""
        if self._events is None:
            protocol = self._protocol
            self._events = asyncio.get_running_loop().create_future()
            if self._is_taken or self._wire.is_closing() or not protocol.pass_on(self._bridge):
                self.lost()
            else:
                protocol.state.tasks.discard(self._task)  # the one that calls `_bridge` counts
        return self._events

    async def _bridge(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """What uvicorn's own class calls as the application."""
        if self._events is not None and not self._events.done():
            self._events.set_result((receive, send))
        try:
            return await self._outcome
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    async def _run(self) -> None:
        config: Any = self._protocol.config
        result: Any = None
        error: BaseException | None = None
        try:
            result = await config.loaded_app(self._scope, self._receive, self._send)
        except BaseException as raised:
            error = raised
        if self._is_taken or self._is_rejected:
            self._end_own(error)
        elif isinstance(error, asyncio.CancelledError):
            self._wire.abort()
        else:
            await self._of_other()
            if not self._outcome.done():
                _settle(self._outcome, result, error)
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
            raise error

    def _end_own(self, error: BaseException | None) -> None:
        """The application has returned, early if it cuts the connection off."""
        if isinstance(error, Exception):
            log.error("Exception in ASGI application\n", exc_info=error)
        if self._is_taken and not self._ended.is_set():
            self.drop()


def _settle(outcome: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)
        outcome.exception()  # uvicorn's own class may have gone, and then it is not looked at


async def _disconnected() -> Event:
    return {"type": "websocket.disconnect", "code": ABNORMAL}


async def _refused(event: Event) -> None:
    raise ClientDisconnected
