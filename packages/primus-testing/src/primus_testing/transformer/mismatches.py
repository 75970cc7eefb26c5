"""A client that does not fit its server is told what differs."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import json
from typing import Any

from primus.server.primus import Primus
from primus_testing.recorder import Recorder
from primus_testing.tls import certificates
from primus_testing.transformer.base import Contract, Serve

__all__ = ["MismatchContract"]


class Exclaiming:
    """A parser whose frames are no JSON."""

    name = "exclaiming"

    def encode(self, value: Any) -> str:
        """An exclamation mark, and JSON."""
        return "!" + json.dumps(value)

    def decode(self, frame: Any) -> Any:
        """What is behind the exclamation mark."""
        return json.loads(frame[1:])


class MismatchContract(Contract):
    """The text of the ``error`` event names the mistake, and the cure where there is one."""

    async def _error(self, url: str, **options: Any) -> str:
        """What a client is told that cannot connect, or cannot read."""
        names = {name: options.pop(name) for name in ("parser", "pathname") if name in options}
        kind = Primus.create_socket(transformer=self.transformer, **names)
        socket = kind(url, strategy="online", **options)
        seen = Recorder(socket, "error")
        text = str(await seen.one("error"))
        socket.destroy()
        await socket.wait_closed()
        return text

    async def test_another_parser_is_named(self, serve: Serve) -> None:
        server = await serve(parser=Exclaiming())
        server.primus.on("connection", lambda spark: spark.write("hello"))
        text = await self._error(server.url)
        assert "the server's parser is 'exclaiming', that of this client is 'json'" in text

    async def test_a_server_without_tls_is_named(self, serve: Serve) -> None:
        server = await serve()
        text = await self._error(server.url.replace("http://", "https://"))
        assert "does not speak TLS: connect to http:// or ws:// instead" in text

    async def test_a_server_with_tls_is_named(self) -> None:
        served, trusting = certificates()
        primus = await Primus.create_server(
            transformer=self.transformer, host="127.0.0.1", ssl_context=served
        )
        for transport in ({}, {"ssl": trusting}):
            text = await self._error(f"http://localhost:{primus.port}", transport=transport)
            assert "speaks TLS: connect to https:// or wss:// instead" in text
        await primus.destroy()

    async def test_another_pathname_is_named(self, serve: Serve) -> None:
        server = await serve()
        text = await self._error(server.url, pathname="/elsewhere")
        assert "there is no Primus at '/elsewhere' of this server" in text

    async def test_a_server_that_is_not_there_is_not_asked(self, serve: Serve) -> None:
        server = await serve()
        await server.stop()
        text = await self._error(server.url)
        assert "TLS" not in text
        assert "Primus" not in text
