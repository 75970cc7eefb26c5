"""The process that is attacked, driven by JSON lines.

``python target.py PATH`` imports everything once and listens on the Unix socket PATH; each
connection to it gets a fork, so every test attacks a process that nothing has happened to. What the
process costs is read from outside (targets.py); what it holds, it counts by itself.
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import resource
import signal
import socket
import sys
import traceback
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

from hosts import HOSTS, Stop

from primus import Primus, Request, Response, Socket, Spark, Unauthorized, connect

PAGE = """<!doctype html><meta charset="utf-8"><title>Primus</title>
<script src="/primus/primus.js"></script>"""

IMPORTED = ("uvicorn", "primus_parser_binary", "primus_parser_ejson", "primus_parser_msgpack")
IMPORTED += ("primus_multiplex", "primus_multiplex.rooms")
IMPORTED += tuple(
    f"primus_transformer_{name}.server"
    for name in ("browserchannel", "engineio", "faye", "lws", "socketio", "sockjs", "ws")
)
"""What targets need, imported before they are forked."""

DRAINING = 0.3
"""Seconds that a server which is told to leave lets its connections drain."""


class Target:
    """One server, or one client, and what has happened to it."""

    def __init__(self) -> None:
        self.primus: Primus | None = None
        self.stop: Stop | None = None
        self.handled: Counter[str] = Counter()
        self._in_turn = self._most = 0
        self.seen: Counter[str] = Counter()
        self.said: list[str] = []
        self.socket: Socket | None = None
        self._pouring: list[asyncio.Task[None]] = []

    # -- a server

    async def listen(
        self,
        host: str = "own",
        listener: str = "echo",
        token: str | None = None,
        layer: str | None = None,
        options: dict[str, Any] | None = None,
        pages: dict[str, str] | None = None,
    ) -> int:
        """Start a server on loopback, and get its port.

        Args:
            host: one of peers/hosts.py.
            listener: what happens to a message: ``echo``, ``chat`` (sent to all), ``relay``
                (the text in it is sent to all), ``stuck`` (handled for ever), ``busy`` (handled
                for a few turns of the loop), ``quiet``.
            token: those of the users, with commas, in ``?token=…`` or in the cookie ``token``.
            layer: a path that a layer of the application refuses with 403.
            options: those of `Primus`.
            pages: more pages of the site, by path.
        """
        texts = {"/": PAGE, **(pages or {})}
        site = HOSTS[host]({path: ("text/html", text) for path, text in texts.items()})
        primus = self.primus = Primus(site.app, **(options or {}))
        if token is not None:
            primus.authorize(guard(token.split(",")))
        if layer is not None:
            primus.before("guard", refusing(layer), index=0)
        primus.on("connection", self.greeting(getattr(self, f"do_{listener}")))
        primus.on("disconnection", lambda spark: self.seen.update(["disconnection"]))
        port, self.stop = await site.start(primus, 0)
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, lambda: setattr(self, "_leaving", asyncio.create_task(self.leave()))
        )
        return port

    def greeting(self, listener: Any) -> Any:
        def connection(spark: Spark) -> None:
            self.seen.update(["connection"])
            spark.on("error", lambda error: self.seen.update(["error"]))
            spark.on("data", lambda message: listener(spark, message))

        return connection

    def count(self, spark: Spark, message: Any) -> None:
        self.handled[spark.id] += 1
        self._in_turn += 1
        if len(self.said) < 1000:
            self.said.append(repr(message)[:200])

    def do_echo(self, spark: Spark, message: Any) -> None:
        self.count(spark, message)
        spark.write(message)

    def do_quiet(self, spark: Spark, message: Any) -> None:
        self.count(spark, message)

    def do_chat(self, spark: Spark, message: Any) -> None:
        self.count(spark, message)
        assert self.primus is not None
        self.primus.write(message)

    def do_relay(self, spark: Spark, message: Any) -> None:
        self.count(spark, message)
        assert self.primus is not None
        self.primus.write(message["say"])

    async def do_stuck(self, spark: Spark, message: Any) -> None:
        self.count(spark, message)
        await asyncio.Event().wait()

    async def do_busy(self, spark: Spark, message: Any) -> None:
        self.count(spark, message)
        for _ in range(3):
            await asyncio.sleep(0)
        spark.write(message)

    async def leave(self) -> None:
        """What a program does that gets SIGTERM."""
        assert self.primus is not None
        assert self.stop is not None
        await self.primus.destroy(timeout=DRAINING)
        await self.stop()
        logging.shutdown()
        os._exit(0)

    def ids(self) -> list[str]:
        """The ids that an application shows to its users."""
        assert self.primus is not None
        return [spark.id for spark in self.primus]

    def facts(self, spark: str) -> dict[str, Any]:
        """What an application knows of a spark."""
        assert self.primus is not None
        found = self.primus.spark(spark)
        assert found is not None
        return {"ip": found.address.ip, "headers": sum(map(len, found.headers.values()))}

    def write(self, spark: str, size: int) -> bool:
        """Write a text of so many characters to one spark."""
        assert self.primus is not None
        found = self.primus.spark(spark)
        return found is not None and found.write("x" * size)

    def end(self, spark: str) -> None:
        """End one spark."""
        assert self.primus is not None
        found = self.primus.spark(spark)
        if found is not None:
            found.end()

    # -- a client

    async def dial(self, url: str, **options: Any) -> None:
        """Connect to a server; what goes wrong is kept in what was said."""
        try:
            self.socket = await asyncio.wait_for(connect(url, **options), 10)
        except Exception as error:
            self.said.append(f"{type(error).__module__}.{type(error).__name__}: {error}")
            return
        self.socket.on("data", lambda message: self.said.append(repr(message)[:200]))

    def attempt(self, url: str, transformer: str, **options: Any) -> None:
        """Make a Socket that goes on trying by itself."""
        made = Primus.create_socket(transformer=transformer)
        self.socket = made(url, **options)
        for event in ("open", "end", "error", "reconnect failed"):
            self.socket.on(event, lambda *_, event=event: self.seen.update([event]))
        self.socket.on("data", lambda *_: self.seen.update(["data"]))

    def freeze_on_data(self, url: str, transformer: str) -> None:
        """Make a Socket whose listener never finishes."""
        self.attempt(url, transformer)
        assert self.socket is not None

        async def stuck(message: Any) -> None:
            await asyncio.Event().wait()

        self.socket.on("data", stuck)

    def send(self, value: Any, times: int = 1) -> int:
        """Write with the Socket, and count what it took."""
        assert self.socket is not None
        return sum(self.socket.write(value) for _ in range(times))

    # -- an attacker

    async def pour(self, port: int, opening: str, block: str) -> None:
        """Send a block again and again as fast as it is taken, and throw away what comes back.

        It begins behind the answer to the opening: uvicorn drops what comes in one read with that.
        """
        loop = asyncio.get_running_loop()
        raw = socket.socket()
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", port))
        await loop.sock_sendall(raw, opening.encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (read := await loop.sock_recv(raw, 4096)):
            answer += read
        loop.add_reader(raw, self._throw_away, raw)
        self._pouring.append(asyncio.create_task(self._pour(raw, block.encode("latin-1"))))

    def _throw_away(self, raw: socket.socket) -> None:
        try:
            gone = not raw.recv(1 << 20)
        except OSError:
            gone = True
        if gone:
            asyncio.get_running_loop().remove_reader(raw)

    async def _pour(self, raw: socket.socket, block: bytes) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                await loop.sock_sendall(raw, block)

    # -- what it holds

    def holds(self) -> dict[str, Any]:
        """Counts after a full collection."""
        gc.collect()
        loop: Any = asyncio.get_running_loop()
        kinds = Counter(type(each).__qualname__ for each in gc.get_objects())
        due = [timer for timer in loop._scheduled if not timer.cancelled()]
        return {
            "tasks": len(asyncio.all_tasks()),
            "timers": len(due),
            "sparks": len(self.primus) if self.primus is not None else 0,
            "kinds": kinds,
            **self.news(),
        }

    def count_turns(self) -> None:
        """Note from now on how many messages are handled in one turn of the loop, at most."""
        self._in_turn = self._most = 0
        self._turn()

    def _turn(self) -> None:
        self._most, self._in_turn = max(self._most, self._in_turn), 0
        asyncio.get_running_loop().call_soon(self._turn)

    def most_in_a_turn(self) -> int:
        """How many that were."""
        return self._most

    def news(self) -> dict[str, Any]:
        """What has happened."""
        return {"handled": self.handled, "seen": self.seen, "said": self.said}


def guard(tokens: list[str]) -> Any:
    """Let users in by a query string, or by a cookie as the browser of a user brings it."""

    async def authorize(request: Request) -> None:
        await asyncio.sleep(0)
        if not {request.query.get("token"), request.cookies.get("token")} & {*tokens}:
            raise Unauthorized("a token, please")

    return authorize


def refusing(path: str) -> Any:
    """A layer as applications write it: it looks at the path."""

    def layer(request: Request) -> Response | None:
        return Response(403, "not for you") if request.path.startswith(path) else None

    return layer


async def serve(control: socket.socket) -> None:
    """Answer the test's commands until it hangs up."""
    target = Target()
    reader, writer = await asyncio.open_connection(sock=control, limit=2**26)
    async for line in reader:
        message = json.loads(line)
        number, do = message.pop("id"), message.pop("do")
        try:
            result = getattr(target, do)(**message)
            answer = {
                "id": number,
                "result": await result if asyncio.iscoroutine(result) else result,
            }
        except Exception:
            answer = {"id": number, "error": traceback.format_exc()}
        writer.write(json.dumps(answer, default=str).encode() + b"\n")


def leave_with_parent() -> None:
    """Be killed when the process that started this one has gone (prctl of Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def child(control: socket.socket) -> None:
    """Be the target of one test."""
    leave_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with control.makefile("r", buffering=1) as lines:
        settings = json.loads(lines.readline())
    log = os.open(settings["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    if settings["descriptors"]:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (settings["descriptors"], hard))
    logging.basicConfig(level=logging.WARNING)
    control.send(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(control))


def main(path: str) -> None:
    """Fork for each connection."""
    leave_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}.new")
    for name in IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()
    listener.listen(64)
    Path(f"{path}.new").rename(path)
    while True:
        control, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            try:
                child(control)
            finally:
                os._exit(0)
        control.close()


if __name__ == "__main__":
    main(sys.argv[1])
