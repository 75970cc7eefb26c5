"""A transformer whose every connection is one WebSocket."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from primus.contracts import Server
from primus.http import Request, Response
from primus.transformer import Transformer
from primus.websocket.engine import Engine, EngineOptions

if TYPE_CHECKING:
    from primus.browser import Browser

__all__ = ["WebSocketTransformer"]


class WebSocketTransformer(Transformer):
    """One WebSocket message carries one frame: text for `str`, binary for `bytes`.

    A subclass names its engine, itself, and its client half.
    """

    needs = frozenset({"websocket"})

    engine: ClassVar[type[Engine]] = Engine

    def __init__(self, primus: Server) -> None:
        super().__init__(primus)
        more = self.engine.options_of_its_own
        options = EngineOptions.of(primus, primus.options.transport, more)
        self._engine = self.engine(primus, options)
        self.takes_transports = self.engine.takes_transports

    async def request(self, request: Request) -> Response:
        """A plain request cannot be served."""
        text = f"this server takes WebSockets only (its transformer is {self.name!r})"
        if "Sec-WebSocket-Key" in request.headers:
            text = (
                "this request for a WebSocket has come without its header Upgrade: a proxy in "
                "between drops it"
            )
        return Response(426, f"Upgrade Required: {text}", content_type="text/plain")

    def upgrade(self, request: Request) -> Coroutine[Any, Any, Response | None]:
        """Answer the handshake and make a spark."""
        accept = self.primus.accept
        return self._engine.upgrade(request, lambda transport: accept(transport, request))

    async def close(self) -> None:
        """Wait until every peer has finished closing; drop those whose time is over."""
        await self._engine.close()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The browser half: the platform's WebSocket, the same for all engines."""
        from primus.browser import Browser

        return Browser.read("primus.websocket")
