"""Primus: one API for real-time connections, whatever carries them."""

from typing import TYPE_CHECKING, Any

from primus.closed import Closed, EndCode
from primus.errors import (
    AttachError,
    BrokenPluginError,
    ConnectTimeout,
    ControlTextError,
    HandshakeError,
    HookError,
    InvalidPluginError,
    LimitError,
    ListenerError,
    MissingLibraryError,
    OptionError,
    ParserError,
    PluginError,
    PluginOrderError,
    PrimusError,
    ProtocolError,
    SlowConsumerError,
    TransformError,
    TransportError,
    Unauthorized,
    UnknownPluginError,
    ValidationError,
)
from primus.hookspecs import hookimpl, hookspec
from primus.http import Request, Response
from primus.listening import MessageT_co
from primus.option_types import ClientOptions, ListenOptions, ReconnectOptions, ServerOptions
from primus.ordering import Order
from primus.parser import Parser
from primus.parsers.json import JSON
from primus.parsers.values import to_builtins
from primus.pipeline import Packet
from primus.recovery import Attempt
from primus.server.events import listens
from primus.server.primus import Primus
from primus.server.spark import Spark, SparkT_co
from primus.transformer import Transformer, Transport
from primus.version import __version__

if TYPE_CHECKING:
    from primus.client.connect import connect
    from primus.client.socket import Socket

__all__ = [
    "JSON",
    "AttachError",
    "Attempt",
    "BrokenPluginError",
    "ClientOptions",
    "Closed",
    "ConnectTimeout",
    "ControlTextError",
    "EndCode",
    "HandshakeError",
    "HookError",
    "InvalidPluginError",
    "LimitError",
    "ListenOptions",
    "ListenerError",
    "MessageT_co",
    "MissingLibraryError",
    "OptionError",
    "Order",
    "Packet",
    "Parser",
    "ParserError",
    "PluginError",
    "PluginOrderError",
    "Primus",
    "PrimusError",
    "ProtocolError",
    "ReconnectOptions",
    "Request",
    "Response",
    "ServerOptions",
    "SlowConsumerError",
    "Socket",
    "Spark",
    "SparkT_co",
    "TransformError",
    "Transformer",
    "Transport",
    "TransportError",
    "Unauthorized",
    "UnknownPluginError",
    "ValidationError",
    "__version__",
    "connect",
    "hookimpl",
    "hookspec",
    "listens",
    "to_builtins",
]


def __getattr__(name: str) -> Any:
    """The client, imported when it is first asked for: a server does without it."""
    if name == "Socket":
        from primus.client.socket import Socket

        return Socket
    if name == "connect":
        from primus.client.connect import connect

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
