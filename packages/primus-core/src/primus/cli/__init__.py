"""The command line: ``primus serve``, ``connect``, ``library``, ``spec`` and ``plugins``.

Each command is a module with ``add(subparsers)``, which adds its parser and sets ``run`` on it:
a function that takes the parsed arguments and returns the exit code. What a command stands on is
imported when it runs, so that ``primus --help`` is quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from primus.cli import connect, library, plugins, serve, spec
from primus.cli.terminal import printable
from primus.errors import PrimusError
from primus.version import __version__

__all__ = ["main"]

DESCRIPTION = """\
Real-time connections between Python, browsers and Node.js, over any transport.

A first conversation, in two terminals:
  primus serve --echo
  primus connect http://127.0.0.1:8080
"""

EPILOG = "Each command explains itself: primus serve --help"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code.

    0 is success, 2 a wrong argument or a `PrimusError`, which is told in one line on stderr, and
    130 an interruption by Ctrl-C.

    Args:
        argv: the arguments; those of the process by default.
    """
    args = _parser().parse_args(argv)
    args.argv = sys.argv[1:] if argv is None else list(argv)
    try:
        code: int = args.run(args)
    except PrimusError as error:
        print(printable(f"primus {args.command}: {error}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has closed it, as `head` does. Python would complain again
        # when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="primus",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"primus {__version__}")
    subparsers = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for command in (serve, connect, library, spec, plugins):
        command.add(subparsers)
    return parser
