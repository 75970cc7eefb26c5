"""`connect`: from a URL to an open socket in one line."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Generator
from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Never, TypeVar, Unpack, overload

from primus.client.address import parse_url
from primus.client.diagnosis import (
    NOT_FOUND,
    PLAIN_WEBSOCKETS,
    Client,
    differences,
    nothing_there,
    scheme_mismatch,
)
from primus.client.options import ClientOptions, client_options
from primus.client.socket import PROFILE_OPTIONS, Socket
from primus.client.socket_class import fitted
from primus.client.spec import facts, fetch_spec
from primus.errors import ConnectTimeout, HandshakeError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.option_types import ClientOptions as GivenOptions
from primus.registry import TRANSFORMER, installed

__all__ = ["Connecting", "connect"]

SocketT = TypeVar("SocketT", bound=Socket)

CURE: Final = "write `async with connect(url) as socket:` or `socket = await connect(url)`"


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
        self._is_awaited = False

    def __await__(self) -> Generator[Any, None, SocketT]:
        self._is_awaited = True
        return self._open().__await__()

    async def __aenter__(self) -> SocketT:
        self._is_awaited = True
        self._socket = await self._open()
        return self._socket

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Never:
            """Say that it is no socket, where it is taken for one."""
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and hasattr(self._kind, name):
                text = f"connect(url) has no {name!r} before it is awaited: {CURE}"
            raise AttributeError(text, name=name, obj=self)

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        if not self._is_awaited:
            text = f"connect({self._url!r}) was never awaited, so nothing was connected: {CURE}"
            _warn(text, RuntimeWarning, stacklevel=2, source=self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._socket is not None
        await self._socket.__aexit__(kind, error, traceback)

    async def _spec(self, pathname: str) -> dict[str, Any]:
        """The description of the server; an error names a scheme that is not the server's."""
        options = self._options
        timeout, transport = options.get("timeout", 10.0), options.get("transport") or {}
        try:
            return await fetch_spec(
                self._url, pathname=pathname, timeout=timeout or None, transport=transport
            )
        except TransportError as error:
            if isinstance(error, ConnectTimeout):
                raise  # what does not answer in time is not asked once more
            client = Client(parse_url(self._url, pathname), "", "", transport=transport)
            if isinstance(error, HandshakeError) and error.status == NOT_FOUND:
                hint = nothing_there(client)
            else:
                hint = await scheme_mismatch(error, client, DEFAULT_LIMITS.diagnosis_timeout)
            if hint:
                error.args = (f"{error}. {hint}",)
            raise

    async def _open(self) -> SocketT:
        options = {**self._options, "manual": True}
        fitting = {name: options.pop(name) for name in PROFILE_OPTIONS if name in options}
        # A mistake shows before the network is asked. Plugins may have options of their own.
        known = (
            {field.name for field in fields(ClientOptions)} if fitting.get("plugin") else options
        )
        client_options({name: options[name] for name in options if name in known})
        spec = None
        if "transformer" not in fitting or "parser" not in fitting:
            spec = await self._spec(fitting.get("pathname", "/primus"))
            fitting = {**facts(spec), **fitting}
            fitting["transformer"] = _installed(fitting["transformer"])
        socket = fitted(self._kind, **fitting)(self._url, **options)
        if spec is not None and (found := differences(spec, socket._as_client())):
            socket.log.warning("%r: %.500s", socket, found)
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
