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
from primus.parser import Parser
from primus.parsers.json import JSON
from primus.pipeline import Packet
from primus.server.events import listens
from primus.server.primus import Primus
from primus.server.spark import Spark, SparkT_co
from primus.transformer import Transformer, Transport
from primus.version import __version__

if TYPE_CHECKING:
    from primus.client.connect import connect
    from primus.client.socket import Socket
    from primus.option_types import ClientOptions, ListenOptions, ReconnectOptions, ServerOptions
    from primus.ordering import Order
    from primus.parsers.values import to_builtins
    from primus.recovery import Attempt

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

LATER = {
    "Attempt": "primus.recovery",
    "ClientOptions": "primus.option_types",
    "ListenOptions": "primus.option_types",
    "Order": "primus.ordering",
    "ReconnectOptions": "primus.option_types",
    "ServerOptions": "primus.option_types",
    "Socket": "primus.client.socket",
    "connect": "primus.client.connect",
    "to_builtins": "primus.parsers.values",
}
"""What a server that starts does without: where it is imported from when it is asked for."""


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER})


def __getattr__(name: str) -> Any:
    """What is imported when it is first asked for."""
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(LATER[name]), name)
