"""The test kit: fakes, contract suites to inherit, and the fixtures of the pytest plugin.

The fakes need neither pytest nor hypothesis. The suites do, and are imported when they are first
asked for: ``pip install primus-testing[contract]``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from primus.errors import MissingLibraryError
from primus_testing.asgi import AsgiExchange, AsgiServer
from primus_testing.clock import ManualClock
from primus_testing.memory import LingeringTransport, MemoryTransport, join, memory_pair
from primus_testing.network import MemoryConnector, MemoryTransformer
from primus_testing.noting import NotingConnection, NotingTransport
from primus_testing.peer import Peer
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.requests import make_request
from primus_testing.scripted import Asked, ScriptedServer, answer, scripted_server
from primus_testing.server import Answer, Running, running
from primus_testing.tagged import Golden, golden
from primus_testing.tracebacks import Tracebacks

if TYPE_CHECKING:
    from primus_testing.assertions import CONTRACTS
    from primus_testing.handover import HandoverContract
    from primus_testing.parser import ParserContract, repeated
    from primus_testing.plugins import PluginContract
    from primus_testing.polling import PollingContract
    from primus_testing.transformer import TransformerContract
    from primus_testing.websocket import WebSocketContract
    from primus_testing.websocket_client import WebSocketClientContract
    from primus_testing.websocket_limits import WebSocketLimitsContract

__all__ = [
    "CONTRACTS",
    "DEADLINE",
    "Answer",
    "AsgiExchange",
    "AsgiServer",
    "Asked",
    "Golden",
    "HandoverContract",
    "LingeringTransport",
    "ManualClock",
    "MemoryConnector",
    "MemoryTransformer",
    "MemoryTransport",
    "NotingConnection",
    "NotingTransport",
    "ParserContract",
    "Peer",
    "PluginContract",
    "PollingContract",
    "Recorder",
    "Running",
    "ScriptedServer",
    "Tracebacks",
    "TransformerContract",
    "WebSocketClientContract",
    "WebSocketContract",
    "WebSocketLimitsContract",
    "answer",
    "eventually",
    "golden",
    "join",
    "make_request",
    "memory_pair",
    "repeated",
    "running",
    "scripted_server",
]

SUITES: Final = {
    "CONTRACTS": "assertions",
    "HandoverContract": "handover",
    "ParserContract": "parser",
    "PluginContract": "plugins",
    "PollingContract": "polling",
    "TransformerContract": "transformer",
    "WebSocketClientContract": "websocket_client",
    "WebSocketContract": "websocket",
    "WebSocketLimitsContract": "websocket_limits",
    "repeated": "parser",
}
"""The modules of what the extra ``contract`` is for, by name."""

LIBRARIES: Final = ("hypothesis", "pytest", "pytest_asyncio")


def __getattr__(name: str) -> Any:
    """A contract suite.

    Raises:
        MissingLibraryError: what it needs is not installed.
    """
    module = SUITES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"primus_testing.{module}"), name)
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        raise MissingLibraryError(
            f"{name} needs {error.name}, which is not installed: "
            "pip install primus-testing[contract]"
        ) from error
