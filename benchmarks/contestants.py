"""The contestants: our server by engine and loop, and the peers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from primus.websocket.speedups import SWITCH

__all__ = [
    "BESIDE",
    "ENGINES",
    "LOOPS",
    "REFERENCE",
    "Contestant",
    "clusters",
    "contestants",
    "interpreter",
    "ours",
    "polled",
    "readers",
    "reference",
    "sharing",
    "sites",
    "sockjs",
    "upgrading",
]

REFERENCE = "node primus ws"
"""The contestant that all others are compared to."""

ENGINES = ("websockets", "lws", "faye")
LOOPS = ("uvloop", "asyncio") if find_spec("uvloop") else ("asyncio",)
UNPINGED = {"pingInterval": 600_000}
"""Primus for Node pings all clients at once, each so often since it started: the load generator
would take a ping for an answer."""

ENGINE_IO = "/primus/?EIO=4&transport=websocket"
BROWSERCHANNEL = "/primus/bind?VER=8"
SOCKET_IO_09 = "/primus/1/websocket/{key}"
SOCKJS = "/primus/000/benchmark/websocket"
SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"
BESIDE = os.environ.get("PRIMUS_BENCH_PYTHON")
PEERS = Path(__file__).parents[1] / ".cache" / "integration-tests" / "peers"


@dataclass(frozen=True)
class Contestant:
    """A server that is measured.

    ``arguments`` follow the mode (``echo`` or ``broadcast``) on its command line.
    """

    name: str
    command: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    path: str = "/primus"
    dialect: str = "plain"
    environment: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    """Whether it only sends back bytes, and knows no messages."""
    processes: int = 1
    """How many share its port."""

    def command_line(self, mode: str) -> list[str]:
        """What starts it."""
        return [*self.command, mode, *self.arguments]

    def polling(self, kind: str = "xhr") -> Contestant:
        """The same, reached without a WebSocket; `kind` is for SockJS."""
        if self.dialect == "sockjs":
            return replace(self, path=f"/primus/000/{{key}}/{kind}")
        path = self.path.replace("transport=websocket", "transport=polling")
        return replace(self, path=path.replace("/websocket/", "/xhr-polling/"))


def ours(name: str, transformer: str, loop: str = LOOPS[0], **settings: Any) -> Contestant:
    """Our server with a transformer, without the compiled part that makes it faster.

    ``dialect`` is how messages are wrapped for its plugins.
    """
    dialect = settings.pop("dialect", "plain")
    options = {"transformer": transformer, "iknowhttpsisbetter": True}
    options |= settings.pop("options", {})
    given = {"loop": loop, "options": options, **settings}
    contestant = _python(name, "primus_server", json.dumps(given))
    contestant = replace(contestant, environment={SWITCH: "0"})
    if transformer == "engine.io":
        return replace(contestant, path=ENGINE_IO, dialect="engine.io")
    if transformer == "socket.io":
        return replace(contestant, path=SOCKET_IO_09, dialect="socket.io 0.9")
    if transformer == "sockjs":
        return replace(contestant, path=SOCKJS, dialect="sockjs")
    return replace(contestant, dialect=dialect)


def reference() -> list[Contestant]:
    """Primus for Node with ws, where it is installed."""
    modules = _node_modules()
    if modules is None:
        return []
    return [_node(REFERENCE, "primus", modules, transformer="websockets", **UNPINGED)]


def contestants() -> list[Contestant]:
    """Those that are installed here, the reference first."""
    found = reference()
    modules = _node_modules()
    if modules is not None:
        found += [
            replace(
                _node(
                    "node primus engine.io", "primus", modules, transformer="engine.io", **UNPINGED
                ),
                path=ENGINE_IO,
                dialect="engine.io",
            ),
            _node("node primus faye", "primus", modules, transformer="faye", **UNPINGED),
            _node("node ws", "ws", modules),
        ]
    old = _node_modules(5, "socket.io")
    if old is not None:
        found.append(
            replace(
                _node("node primus socket.io", "primus", old, transformer="socket.io", timeout=0),
                path=SOCKET_IO_09,
                dialect="socket.io 0.9",
            )
        )
    for transformer in (*ENGINES, "engine.io", "socket.io"):
        if transformer in _transformers():
            loops = LOOPS if transformer in ENGINES else LOOPS[:1]
            found += [ours(f"primus {transformer} {loop}", transformer, loop) for loop in loops]
    return found + _accelerated() + _under_uvicorn() + _beside() + _python_peers()


def sites() -> list[Contestant]:
    """Our transformers on each loop and host; with Node's transformers of the same names.

    But for Node's ``socket.io``, which a flood ends.
    """
    nodes = [one for one in contestants() if one.name.startswith("node primus")]
    found = [one for one in nodes if one.name != "node primus socket.io"]
    found += [one for one in sockjs() if one.name.startswith("node")]
    wanted = (*ENGINES, "engine.io", "socket.io", "sockjs")
    there = [one for one in wanted if one in _transformers()]
    for transformer in there:
        found += [ours(f"primus {transformer} {loop}", transformer, loop) for loop in LOOPS]
        found.append(ours(f"primus {transformer} aiohttp", transformer, aiohttp=True))
        if _installed("uvloop", "uvicorn"):
            kind = "primus.uvicorn:WebSockets"
            found.append(ours(f"primus {transformer} uvicorn raw", transformer, ws=kind))
    return found


def sharing(processes: int) -> list[Contestant]:
    """Our engines as so many processes on one port, and Primus for Node, which is one."""
    there = [one for one in ENGINES[:2] if one in _transformers()]
    several = [ours(f"primus {engine} {LOOPS[0]}", engine, processes=processes) for engine in there]
    return [*reference(), *(replace(one, processes=processes) for one in several)]


def sockjs() -> list[Contestant]:
    """Node's transformer of that name, and ours on the best loop."""
    found: list[Contestant] = []
    modules = _node_modules(8, "sockjs")
    if modules is not None:
        node = _node("node primus sockjs", "primus", modules, transformer="sockjs", **UNPINGED)
        found.append(replace(node, path=SOCKJS, dialect="sockjs"))
    if "sockjs" in _transformers():
        found.append(ours(f"primus sockjs {LOOPS[0]}", "sockjs"))
    return found


def polled() -> list[Contestant]:
    """Those that have no WebSocket."""
    found: list[Contestant] = []
    modules = _node_modules(8, "browserchannel")
    if modules is not None:
        options = {"transformer": "browserchannel", **UNPINGED}
        found.append(_node("node primus browserchannel", "primus", modules, **options))
    if "browserchannel" in _transformers():
        found.append(ours(f"primus browserchannel {LOOPS[0]}", "browserchannel"))
    return [replace(one, path=BROWSERCHANNEL, dialect="browserchannel") for one in found]


def clusters() -> list[Contestant]:
    """Servers that share a Redis, the reference first; none without a redis-server."""
    if shutil.which("redis-server") is None:
        return []
    found: list[Contestant] = []
    for modules in sorted(PEERS.glob("scaling-*/node_modules"))[-1:]:
        found = [
            _node("node primus-cluster", "rooms_primus", modules),
            replace(
                _node("socket.io redis-adapter", "rooms_socketio", modules),
                path=f"{SOCKET_IO}&room={{room}}",
                dialect="socket.io",
            ),
        ]
    if _installed("uvloop", "redis", "primus_backplane", "primus_rooms"):
        found.append(_python("primus backplane", "rooms_server"))
    plain = "/primus?room={room}"
    return [one if one.dialect != "plain" else replace(one, path=plain) for one in found]


def readers(count: int) -> list[Contestant]:
    """So many servers of ours that read one bus, in one process."""
    if not any(one.name == "primus backplane" for one in clusters()):
        return []
    return [_python("primus backplane", "readers_server", str(count))]


def _accelerated() -> list[Contestant]:
    """Our server with the compiled part, where there is one."""
    if not _installed("primus_speedups"):
        return []
    there = [name for name in ("websockets", "engine.io") if name in _transformers()]
    found = [ours(f"primus {name} {LOOPS[0]}, speedups", name) for name in there]
    return [replace(one, environment={}) for one in found]


def _under_uvicorn() -> list[Contestant]:
    """Our server under uvicorn: with raw transports, and with uvicorn's own WebSockets."""
    if not _installed("uvloop", "uvicorn"):
        return []
    kinds = {"raw": "primus.uvicorn:WebSockets", "own": "auto"}
    return [
        ours(f"primus {transformer} uvicorn {kind}", transformer, ws=websockets)
        for transformer in ENGINES[:1]
        if transformer in _transformers()
        for kind, websockets in kinds.items()
    ]


def _beside() -> list[Contestant]:
    """Our server on the other interpreter that the environment names, if it does."""
    if BESIDE is None:
        return []
    found = []
    for transformer in ENGINES[:2]:
        one = ours(f"primus {transformer} {LOOPS[0]}, {interpreter(BESIDE)}", transformer)
        found.append(replace(one, command=(BESIDE, *one.command[1:])))
    return found


@cache
def interpreter(python: str = sys.executable) -> str:
    """Which one that is: ``Python 3.11.2``."""
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def _python_peers() -> list[Contestant]:
    found: list[Contestant] = []
    if _installed("uvloop", "websockets"):
        found.append(_python("websockets", "websockets_server"))
    if _installed("uvloop", "starlette", "uvicorn"):
        found.append(_python("starlette uvicorn", "starlette_server"))
    if _installed("uvloop", "socketio"):
        socket_io = _python("python-socketio aiohttp", "socketio_server")
        found.append(replace(socket_io, path=SOCKET_IO, dialect="socket.io"))
    found.append(replace(_python(f"raw TCP {LOOPS[0]}", "raw_server", LOOPS[0]), raw=True))
    return found


def upgrading() -> Contestant:
    """The lower bound of connects."""
    return _python(f"raw upgrade {LOOPS[0]}", "upgrade_server", LOOPS[0])


def _installed(*modules: str) -> bool:
    return all(map(find_spec, modules))


@cache
def _transformers() -> frozenset[str]:
    return frozenset(point.name for point in entry_points(group="primus.transformers"))


def _python(name: str, module: str, *arguments: str) -> Contestant:
    command = (sys.executable, "-m", f"benchmarks.servers.{module}")
    return Contestant(name, command, arguments)


def _node(name: str, script: str, modules: Path, **options: Any) -> Contestant:
    file = Path(__file__).parent / "servers" / f"{script}.cjs"
    arguments = (json.dumps(options),) if options else ()
    environment = {"NODE_PATH": str(modules)}
    return Contestant(name, ("node", str(file)), arguments, environment=environment)


def _node_modules(generation: int = 8, needed: str = "primus") -> Path | None:
    """Where the integration tests have installed that Primus for Node; `None` when nowhere."""
    if shutil.which("node") is None:
        return None
    named = os.environ.get("PRIMUS_NODE_MODULES") if generation == 8 else None
    found = [Path(named)] if named else sorted(PEERS.glob(f"primus{generation}-*/node_modules"))
    folders = [folder for folder in found if (folder / needed).is_dir()]
    return folders[-1] if folders else None
