"""The options that describe a server, for the commands that make one."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_server_options", "server_options"]


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--transformer``, ``--parser``, ``--plugin`` and ``--pathname``."""
    group = parser.add_argument_group("the server", "`primus plugins` lists what is installed.")
    group.add_argument(
        "--transformer",
        metavar="NAME",
        default="websockets",
        help="what carries the messages (default: %(default)s)",
    )
    group.add_argument(
        "--parser",
        metavar="NAME",
        default="json",
        help="what turns values into frames and back (default: %(default)s)",
    )
    group.add_argument(
        "--plugin",
        metavar="NAMES",
        action="append",
        default=[],
        help='plugins to use, as in "rooms, emit"; may be given several times',
    )
    group.add_argument(
        "--pathname",
        metavar="PATH",
        default="/primus",
        help="the path below which Primus answers (default: %(default)s)",
    )


def server_options(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_server_options` parsed, as options of `Primus`."""
    return {
        "transformer": args.transformer,
        "parser": args.parser,
        "plugin": ",".join(args.plugin),
        "pathname": args.pathname,
    }
