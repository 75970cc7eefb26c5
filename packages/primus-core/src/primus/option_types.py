"""The options that users give, as types: a misspelt one is an error in the editor.

A plugin with options derives from these, and its class of `Primus` or `Socket` takes them:

    class RoomsOptions(ServerOptions, total=False):
        rooms: RoomsSettings

    class RoomsPrimus(Primus[SparkT_co]):
        if TYPE_CHECKING:

            def __init__(self, server: object = None, **options: Unpack[RoomsOptions]) -> None: ...

What the options are when they have been checked is in `primus.options`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

from primus.clock import Clock
from primus.heartbeat import Generation
from primus.http import Request
from primus.option_checks import Network
from primus.options import SlowConsumer
from primus.parser import Parser
from primus.recovery import Backoff
from primus.transformer import Transformer

__all__ = ["ClientOptions", "ListenOptions", "ReconnectOptions", "ServerOptions"]

Duration: TypeAlias = float | Literal[False] | None
"""Seconds; `False` or `None` disables it."""

Names: TypeAlias = str | Iterable[str] | Literal[False] | None
"""A text with commas or spaces, or a list; `False` and `None` name nothing."""

Plugins: TypeAlias = str | Sequence[str] | Mapping[str, Any] | None
"""Names with commas or spaces between, a list of names, or ``{name: plugin}``."""

File: TypeAlias = str | Path


class ServerOptions(TypedDict, total=False):
    """What `Primus(server, **options)` takes; docs/options.md explains each."""

    authorization: Callable[[Request], object] | None
    pathname: str
    parser: str | Parser
    transformer: str | type[Transformer]
    plugin: Plugins
    timeout: Duration
    ping_interval: Duration
    heartbeat: Literal["auto", "legacy", "modern"] | Generation
    global_name: str
    minify: bool
    compression: bool
    max_length: int
    origins: Names
    methods: Names
    credentials: bool
    max_age: float
    headers: Names
    exposed: Names
    trusted_proxies: str | Iterable[str | Network] | Literal[False] | None
    id_generator: Callable[[], str] | None
    node: str | None
    transport: Mapping[str, Any]
    high_water: int
    slow_consumer: SlowConsumer
    handshake_timeout: Duration
    max_head: int
    write_timeout: Duration
    slow_listener: Duration
    max_sparks: int | None
    iknowhttpsisbetter: bool
    clock: Clock


class ListenOptions(ServerOptions, total=False):
    """What `Primus.create_server(**options)` takes: those of the server, and of TLS."""

    ssl_context: ssl.SSLContext | None
    root: File
    cert: File | None
    key: File | None
    ca: File | Sequence[File] | None
    pfx: File | None
    passphrase: str | None


class ReconnectOptions(TypedDict, total=False):
    """The option ``reconnect`` of a client."""

    max: float
    min: float
    retries: float
    timeout: float
    factor: float


class ClientOptions(TypedDict, total=False):
    """What `connect(url, **options)` and `Socket(url, **options)` take.

    A class that was made for a server takes no ``transformer``, ``parser``, ``plugin`` and
    ``pathname``.
    """

    transformer: str | type[Transformer]
    parser: str | Parser
    plugin: Plugins
    pathname: str
    reconnect: ReconnectOptions | Backoff | Literal[True] | None
    timeout: Duration
    ping: Duration
    pong: Duration
    ping_timeout: Duration
    strategy: Names
    manual: bool
    network: object
    transport: Mapping[str, Any]
    queue_size: float
    max_length: int
    high_water: int
    compression: bool
    clock: Clock
