"""Our server: ``python -m benchmarks.servers.primus_server MODE SETTINGS``.

``SETTINGS`` is JSON: ``loop`` is ``uvloop`` or ``asyncio``, ``listeners`` and ``transforms`` are
how many of them are installed, and ``options`` are those of `Primus`. ``ws`` is uvicorn's option
of that name: then the Primus runs under uvicorn; with ``aiohttp`` it is in an application of
aiohttp, else on a server of its own. With a plugin that answers (``emitter``, ``responder``,
``resource``) it answers with what it is asked; with one that has streams (``substream``,
``multiplex``) it sends back what arrives in one. ``processes`` is how many share its port: the
others are told the ``port``, and end with the first.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from primus import Packet, Primus, Spark

from .loops import run


async def serve(mode: str, settings: dict[str, Any]) -> None:
    """Serve until the process is ended; the port is the first line of output."""

    plugins = settings.get("options", {}).get("plugin", "")

    def connection(spark: Any) -> None:
        if "emitter" in plugins:
            spark.on("echo", _same)
        if "responder" in plugins:
            spark.on("request", _same)
        spark.on("data", primus.write if mode == "broadcast" else spark.write)
        if "substream" in plugins:
            stream = spark.substream("bench")
            stream.on("data", stream.write)
        for _ in range(settings.get("listeners", 1) - 1):
            spark.on("data", _listener)

    options = settings.get("options", {})
    primus: Any
    if "ws" in settings:
        options.pop("iknowhttpsisbetter")  # of `create_server`
        primus = Primus(**options)
        primus.on("connection", connection)
        await _run_uvicorn(primus, settings["ws"])
        return
    if settings.get("aiohttp"):
        await _run_aiohttp(connection, options)
        return
    processes, port = settings.get("processes", 1), settings.get("port", 0)
    shares = processes > 1 or port != 0
    primus = await Primus.create_server(
        connection, host="127.0.0.1", port=port, reuse_port=shares, **options
    )
    _prepare(primus, plugins, settings)
    told = {**settings, "processes": 1, "port": primus.port}
    with ExitStack() as others:
        for _ in range(processes - 1):
            others.enter_context(_another(mode, told))
        print(primus.port, flush=True)
        if port:
            await asyncio.to_thread(sys.stdin.read)  # it ends with the first process
        else:
            await asyncio.Event().wait()


def _another(mode: str, settings: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Another process on that port, which listens already."""
    command = [sys.executable, "-m", "benchmarks.servers.primus_server", mode, json.dumps(settings)]
    made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert made.stdout is not None
    made.stdout.readline()
    return made


def _prepare(primus: Any, plugins: str, settings: dict[str, Any]) -> None:
    if "resource" in plugins:
        primus.resource("bench", Bench(), multiplex=False)
    if "backbone" in plugins:
        primus.backbone("bench", Bench())
    if "multiplex" in plugins:
        primus.channel("bench").on("connection", _subscribed)
    if "fortress" in plugins:
        primus.validate("data", _valid)
    for _ in range(settings.get("transforms", 0)):
        primus.transform("incoming", _transform)
        primus.transform("outgoing", _transform)


async def _run_uvicorn(primus: Primus, websockets: str) -> None:
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    chosen: dict[str, Any] = {"ws": websockets, "ws_per_message_deflate": False}
    if websockets.startswith("primus."):
        chosen["http"] = "primus.uvicorn:Requests"  # as docs/asgi.md has them together
    config = uvicorn.Config(primus.asgi, log_level="critical", lifespan="on", **chosen)
    await uvicorn.Server(config).serve(sockets=[listener])


async def _run_aiohttp(connection: Callable[[Any], None], options: dict[str, Any]) -> None:
    from aiohttp import web

    app = web.Application()
    Primus(app, **options).on("connection", connection)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def _subscribed(spark: Any) -> None:
    spark.on("data", spark.write)
    spark.write("ready")


def _same(value: Any) -> Any:
    return value


def _valid(message: Any) -> bool:
    return message is not None


class Bench:
    """A resource, and a handler of models."""

    def read(self, spark: Spark, data: Any, url: str) -> Any:
        """Give the attributes back."""
        return data

    def on_echo(self, spark: Spark, value: Any) -> Any:
        """Give the value back."""
        return value


def _listener(message: Any) -> None:
    """Another listener."""


def _transform(packet: Packet, spark: Spark) -> None:
    """Look at a message."""


if __name__ == "__main__":
    logging.disable()
    given = json.loads(sys.argv[2])
    run(serve(sys.argv[1], given), given.get("loop", "uvloop"))
