"""``primus connect``: a conversation with a server, typed by a person."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from primus.cli.stdin import read_lines
from primus.cli.target import add_target_options, transport_options
from primus.cli.terminal import printable
from primus.errors import ControlTextError, ParserError

if TYPE_CHECKING:
    from primus.client.socket import Socket
    from primus.server.spark import Spark

__all__ = ["add", "say", "spoken", "tell", "understood"]

DESCRIPTION = """\
Connect to a running Primus server, of any generation and language. Each line you type is sent as
a message, and each message of the server is a line that appears. Ctrl-D or Ctrl-C ends.

A line that is JSON is sent as that value, anything else as text: {"a": 1} is an object, hello is
the text "hello". Messages appear on standard output, what happens to the connection on standard
error.
"""

EPILOG = """\
examples:
  primus connect http://localhost:8080
  primus connect 'wss://example.com?token=sesame' --pathname /realtime
  echo '{"action": "ping"}' | primus connect http://localhost:8080 --json
"""

END: Final = object()


def add(subparsers: Any) -> None:
    """Add the command to the parser of ``primus``."""
    parser = subparsers.add_parser(
        "connect",
        help="talk to a server: type messages, and see those that arrive",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target_options(parser)
    parser.add_argument(
        "--transformer", metavar="NAME", help="what carries the messages (default: ask the server)"
    )
    parser.add_argument(
        "--parser", metavar="NAME", help="what makes frames of values (default: ask the server)"
    )
    parser.add_argument(
        "--plugin",
        metavar="NAMES",
        action="append",
        default=[],
        help='plugins to use, as in "rooms, emit"; may be given several times',
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=1.0,
        help="how long to listen after the end of the input (default: %(default)g)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print texts as JSON too, one message a line"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Talk until the input or the connection ends.

    Raises:
        PrimusError: the server cannot be reached, refuses, or is no Primus.
    """
    asyncio.run(_talk(args))
    return 0


async def _talk(args: argparse.Namespace) -> None:
    from primus.client.connect import connect

    options: dict[str, Any] = {
        "pathname": args.pathname,
        "timeout": args.timeout,
        "transport": transport_options(args),
        "plugin": ",".join(args.plugin),
    }
    for name in ("transformer", "parser"):
        if getattr(args, name) is not None:
            options[name] = getattr(args, name)
    async with connect(args.url, **options) as socket:
        happenings: asyncio.Queue[Any] = asyncio.Queue()
        _follow(socket, happenings, always_json=args.json)
        tell(f"connected to {args.url}; its id is {await socket.id()}")
        read_lines(asyncio.get_running_loop(), happenings.put_nowait)
        while (line := await happenings.get()) is not None:
            if line is END:
                return
            if line:
                say(socket, line)
        try:
            async with asyncio.timeout(args.wait):
                while await happenings.get() is not END:
                    continue
        except TimeoutError:
            socket.off("end")


def say(socket: Spark | Socket, line: str) -> None:
    """Send a line that was typed, or tell why that cannot be."""
    try:
        socket.write(understood(line))
    except (ControlTextError, ParserError) as error:
        tell(str(error))


def _follow(socket: Socket, happenings: asyncio.Queue[Any], *, always_json: bool) -> None:
    """Print what arrives, and tell what happens to the connection."""

    def ended() -> None:
        tell("the connection has ended")
        happenings.put_nowait(END)

    socket.on("data", lambda message: print(spoken(message, always_json), flush=True))
    socket.on("error", lambda error: tell(f"error: {error}"))
    socket.on(
        "reconnect scheduled",
        lambda opts: tell(f"disconnected; attempt {opts.attempt} in {opts.scheduled:.1f} s"),
    )
    socket.on("reconnected", lambda: tell("connected again"))
    socket.on("end", ended)


def understood(line: str) -> Any:
    """The message that a typed line stands for."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def spoken(message: Any, always_json: bool = False) -> str:
    """The line that shows a message; a terminal does not obey what is in it."""
    if isinstance(message, str) and not always_json:
        return printable(message)
    try:
        try:
            return printable(json.dumps(message, ensure_ascii=False))
        except (TypeError, ValueError):
            return printable(repr(message))
    except RecursionError:
        return "(a message that is nested too deeply to be shown)"


def tell(text: str) -> None:
    """Print what happens, on standard error."""
    print(printable(text), file=sys.stderr, flush=True)
