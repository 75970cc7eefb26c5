"""Primus: one API for real-time connections, whatever carries them."""

from primus.errors import (
    AttachError,
    BrokenPluginError,
    ConnectTimeout,
    HandshakeError,
    HookError,
    InvalidPluginError,
    ListenerError,
    OptionError,
    ParserError,
    PluginError,
    PrimusError,
    ProtocolError,
    SlowConsumerError,
    TransformError,
    TransportError,
    Unauthorized,
    UnknownPluginError,
)
from primus.hookspecs import hookimpl, hookspec
from primus.http import Request, Response
from primus.parser import Parser
from primus.pipeline import Packet
from primus.server.primus import Primus
from primus.server.spark import Spark
from primus.transformer import Transformer, Transport
from primus.version import __version__

__all__ = [
    "AttachError",
    "BrokenPluginError",
    "ConnectTimeout",
    "HandshakeError",
    "HookError",
    "InvalidPluginError",
    "ListenerError",
    "OptionError",
    "Packet",
    "Parser",
    "ParserError",
    "PluginError",
    "Primus",
    "PrimusError",
    "ProtocolError",
    "Request",
    "Response",
    "SlowConsumerError",
    "Spark",
    "TransformError",
    "Transformer",
    "Transport",
    "TransportError",
    "Unauthorized",
    "UnknownPluginError",
    "__version__",
    "hookimpl",
    "hookspec",
]
