"""An upgrade that a Primus answers without a call of the application."""

from __future__ import annotations

import asyncio
import copy
import logging
from contextvars import copy_context
from functools import partial
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.utils import is_ssl

from primus.contracts import Server
from primus.http import Address, HandOver, OnDemand, Request, Response
from primus.server.hosts.asgi import AsgiHost
from primus.server.hosts.asgi_scope import Application, Receive, Scope, Send
from primus.server.hosts.asgi_websocket import AsgiWebSocket
from primus.tasks import begin
from primus.uvicorn.upgrades import Upgrade, Upgrading, client_of, note_accepted, scope_of

__all__ = ["DirectUpgrade", "loaded_primus"]

log = logging.getLogger("uvicorn.error")

TOLD_BY_PROXIES: Final = b"forwarded"
"""Stands in the name of each header by which uvicorn's middleware changes a scope."""


class DirectUpgrade(Upgrade):
    """An upgrade that a Primus answers as on a server of its own.

    Args:
        protocol: what has received it.
        primus: the server.
        proxies: uvicorn's middleware, which makes the client known that a proxy tells of.
        target: what it asks for.
        headers: those in it, with names in small letters.
    """

    __slots__ = (
        "_client",
        "_gone",
        "_headers",
        "_native",
        "_primus",
        "_proxies",
        "_scope",
        "_target",
    )

    def __init__(
        self,
        protocol: Upgrading,
        primus: Server,
        proxies: ProxyHeadersMiddleware | None,
        target: str,
        headers: list[tuple[str, str]],
    ) -> None:
        Upgrade.__init__(self, protocol)
        self._primus = primus
        self._proxies = proxies
        self._target = target
        self._headers = CIMultiDictProxy(CIMultiDict(headers))
        self._client = client_of(self._wire)
        self._scope: Scope | None = None
        """That of the request, once something has asked for it."""
        self._native = OnDemand(self._told)
        self._gone: asyncio.Future[None] | None = None
        """Waits for the end of the connection, once the server stops."""

    def start(self, located: str) -> None:
        """Answer it, as far as that need not wait.

        Args:
            located: the target as the layers know it.
        """
        primus = self._primus
        bare = primus.transformer.upgrades_bare and primus.elsewhere is None
        task = copy_context().run(begin, self._answer(located), bare=bare)
        if task is not None:
            self._count(task)

    def _count(self, task: asyncio.Task[Any]) -> None:
        """Let uvicorn wait for a task when it stops, and cancel it when its time is over."""
        tasks = self._protocol.state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _answer(self, located: str) -> None:
        try:
            if self._proxies is not None and TOLD_BY_PROXIES in self._protocol.head.lower():
                await _without_application(self._proxies)(self._told(), None, None)
            request = self._request(located)
            response = await self._primus.handle(request)
        except asyncio.CancelledError:
            self._wire.abort()
            raise
        except Exception as error:
            if self._is_taken:
                log.exception("Exception in ASGI application\n")
                self.drop()
            else:
                self._leave_to(partial(_fail, error))
        else:
            if not self._is_taken:
                self._leave_to(partial(self._refuse, request, response))

    def _request(self, located: str) -> Request:
        scope = self._scope
        if scope is None:
            client, secure = self._client, is_ssl(self._wire)
        else:
            client, secure = scope["client"], scope["scheme"] == "wss"
        request = Request(
            "GET",
            located,
            self._headers,
            address=Address(*client) if client else Address(""),
            secure=secure,
            detach=self._detach,
            native=self._native,
            is_checked=True,
        )
        request.response_headers.extend(self._protocol.config.headers)
        return request

    def _told(self) -> Scope:
        """The scope that an application would be called with."""
        if self._scope is None:
            self._scope = self._made()
        return self._scope

    def _made(self) -> Scope:
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        return scope_of(self._protocol, self._target, headers, self._client)

    def _detach(self) -> HandOver:
        handed = self._take(self._native)
        if log.isEnabledFor(logging.INFO):
            note_accepted(self._scope or self._made())
        return handed

    def close(self) -> None:
        """Close the connection; it is dropped when uvicorn waits no longer."""
        if self._transport is not None and self._gone is None:
            loop = asyncio.get_running_loop()
            self._gone = loop.create_future()
            self._count(loop.create_task(self._until_gone(self._gone)))
        super().close()

    async def _until_gone(self, gone: asyncio.Future[None]) -> None:
        try:
            await gone
        except asyncio.CancelledError:
            self.drop()
            raise

    def left(self) -> None:
        """Count the connection no more, nor wait for its end."""
        super().left()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def _leave_to(self, app: Application) -> None:
        """Let uvicorn's own class call that application, unless the client has gone."""
        if not self._wire.is_closing():
            self._protocol.pass_on(app)

    async def _refuse(
        self,
        request: Request,
        response: Response | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer with something else: an application for uvicorn's own class."""
        socket = AsgiWebSocket(scope, receive, send, self._primus.limits.write_timeout)
        if response is not None and await socket.asked():
            await socket.refuse(request, response)


def loaded_primus(app: Any) -> tuple[AsgiHost | None, ProxyHeadersMiddleware | None]:
    """The Primus that uvicorn has loaded as the application, and uvicorn's middleware around it.

    `None` for a Primus that something else is around.
    """
    proxies = app if type(app) is ProxyHeadersMiddleware else None
    inner = app if proxies is None else proxies.app
    return (inner if type(inner) is AsgiHost else None), proxies


def _without_application(middleware: Any) -> Any:
    """The same middleware, which does to a scope what it does, and calls nothing."""
    alone = copy.copy(middleware)
    alone.app = _ignore
    return alone


async def _ignore(scope: Scope, receive: Any, send: Any) -> None:
    """An application that does nothing."""


async def _fail(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """An application that raises."""
    raise error
