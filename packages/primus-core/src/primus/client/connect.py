"""`connect`: from a URL to an open socket in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import fields
from types import TracebackType
from typing import Any, Final, Generic, TypeVar, Unpack, overload

from primus.client.socket import PROFILE_OPTIONS, Socket
from primus.client.socket_class import fitted
from primus.client.spec import facts, fetch_spec
from primus.option_types import ClientOptions as GivenOptions
from primus.options import ClientOptions, client_options
from primus.registry import TRANSFORMER, installed

__all__ = ["Connecting", "connect"]

PLAIN_WEBSOCKETS: Final = ("websockets", "lws", "uws", "picows", "faye")
"""The transformers that are one and the same on the wire."""


SocketT = TypeVar("SocketT", bound=Socket)


@overload
def connect(url: str, *, socket: type[SocketT], **options: Any) -> Connecting[SocketT]: ...
@overload
def connect(url: str, **options: Unpack[GivenOptions]) -> Connecting[Socket]: ...
def connect(url: str, *, socket: type[Any] = Socket, **options: Any) -> Connecting[Any]:
    """A socket that is open: ``async with connect(url) as socket``, or ``await connect(url)``.

    The block ends the connection. No message is lost between the opening and the first
    iteration or ``data`` listener; listeners of other events are to be added at once. The first
    attempt has to succeed; a connection that is lost later is made again, as with `Socket`.

    Args:
        url: as for `Socket`.
        socket: the class of the socket: `Socket`, or one of the application's own.
        options: as for `Socket`, and ``transformer``, ``parser``, ``plugin``, ``pathname``.
            Without ``transformer`` and ``parser`` the server is asked for them.

    Raises:
        OptionError: the URL cannot be used, an option is unknown, or its value cannot work.
        PluginError: the server's transformer or parser is not installed.
        HandshakeError: the server refused the connection.
        ConnectTimeout: it was not open within ``timeout`` seconds.
        TransportError: the server cannot be reached.
    """
    return Connecting(socket, url, options)


class Connecting(Generic[SocketT]):
    """What `connect` gives: awaitable, and an async context manager."""

    def __init__(self, kind: type[SocketT], url: str, options: dict[str, Any]) -> None:
        self._kind = kind
        self._url = url
        self._options = options
        self._socket: SocketT | None = None

    def __await__(self) -> Generator[Any, None, SocketT]:
        return self._open().__await__()

    async def __aenter__(self) -> SocketT:
        self._socket = await self._open()
        return self._socket

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._socket is not None
        await self._socket.__aexit__(kind, error, traceback)

    async def _open(self) -> SocketT:
        options = {**self._options, "manual": True}
        fitting = {name: options.pop(name) for name in PROFILE_OPTIONS if name in options}
        # A mistake shows before the network is asked. Plugins may have options of their own.
        known = (
            {field.name for field in fields(ClientOptions)} if fitting.get("plugin") else options
        )
        client_options({name: options[name] for name in options if name in known})
        if "transformer" not in fitting or "parser" not in fitting:
            spec = await fetch_spec(
                self._url,
                pathname=fitting.get("pathname", "/primus"),
                timeout=options.get("timeout", 10.0) or None,
                transport=options.get("transport") or {},
            )
            fitting = {**facts(spec), **fitting}
            fitting["transformer"] = _installed(fitting["transformer"])
        socket = fitted(self._kind, **fitting)(self._url, **options)
        socket._collect()
        # What has come with the handshake waits until the listeners have been added that are
        # added at once: not every message is ``data``, which is collected.
        loop = asyncio.get_running_loop()
        added: asyncio.Future[None] = loop.create_future()
        socket.hold(added)
        try:
            return await socket.__aenter__()
        finally:
            loop.call_soon(added.set_result, None)


def _installed(transformer: Any) -> Any:
    """A transformer that speaks the same as the server's, when that one is not installed."""
    if isinstance(transformer, str) and transformer.lower() in PLAIN_WEBSOCKETS:
        names = installed(TRANSFORMER)
        for name in (transformer.lower(), *PLAIN_WEBSOCKETS):
            if name in names:
                return name
    return transformer
