"""The server half, which knows where the other two are.

A transformer for another framework derives from `primus.Transformer`: it answers `request` and
`upgrade`, and hands a `primus.Transport` to ``primus.accept`` for every connection.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from primus import OptionError, Request, Response
from primus.browser import Browser
from primus.websocket import Engine, EngineOptions, Opened, WebSocketTransformer

if TYPE_CHECKING:
    from primus.contracts import Server
    from primus.transformer import Connector

__all__ = ["Template"]


class TemplateEngine(Engine):
    """Answers upgrades with the HTTP server's own WebSocket, and with a header of its own."""

    options_of_its_own = frozenset({"served_by"})

    def __init__(self, primus: Server, options: EngineOptions) -> None:
        super().__init__(primus, options)
        self.served_by = options.more.get("served_by", "primus")
        if not isinstance(self.served_by, str) or not self.served_by.isidentifier():
            raise OptionError(f"served_by={self.served_by!r}: must be a name")

    async def upgrade(self, request: Request, opened: Opened) -> Response | None:
        """Take over an upgrade; a `Response` would refuse it."""
        request.response_headers["X-Served-By"] = self.served_by
        return await super().upgrade(request, opened)


class Template(WebSocketTransformer):
    """The server half of the transformer ``template``."""

    name = "template"
    engine = TemplateEngine

    @classmethod
    def connector(cls) -> Connector:
        """The client half in Python, imported when a client needs it."""
        from primus.websocket.client import AiohttpConnector

        return AiohttpConnector()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The client half in the browser: client.js beside this module."""
        ours = files("primus_transformer_template")
        return Browser(client=ours.joinpath("client.js").read_text("utf-8"))
