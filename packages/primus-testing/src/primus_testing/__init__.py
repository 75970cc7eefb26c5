"""The test kit: contract suites to inherit, fakes, and the fixtures of the pytest plugin."""

from primus_testing.asgi import AsgiExchange, AsgiServer
from primus_testing.assertions import CONTRACTS
from primus_testing.clock import ManualClock
from primus_testing.handover import HandoverContract
from primus_testing.memory import MemoryTransport, join, memory_pair
from primus_testing.network import MemoryConnector, MemoryTransformer
from primus_testing.parser import ParserContract, repeated
from primus_testing.peer import Peer
from primus_testing.plugins import PluginContract
from primus_testing.polling import PollingContract
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.requests import make_request
from primus_testing.scripted import Asked, ScriptedServer, answer, scripted_server
from primus_testing.server import Answer, Running, running
from primus_testing.tagged import Golden, golden
from primus_testing.tracebacks import Tracebacks
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
    "ManualClock",
    "MemoryConnector",
    "MemoryTransformer",
    "MemoryTransport",
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
