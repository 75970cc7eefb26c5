"""The options that describe a server, for the commands that make one."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

__all__ = ["add_server_options", "server_options"]


OWN: Final = frozenset({"host", "port", "reuse_port", "sock", "setup"})
"""Arguments of `Primus.create_server` that are no options of `Primus`."""


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--transformer``, ``--parser``, ``--plugin``, ``--option`` and ``--pathname``."""
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
        "--option",
        metavar="NAME=VALUE",
        type=_option,
        action="append",
        default=[],
        help="any other option of Primus or of a plugin; VALUE is JSON, or else a text; may be "
        "given several times",
    )
    group.add_argument(
        "--pathname",
        metavar="PATH",
        default="/primus",
        help="the path below which Primus answers (default: %(default)s)",
    )


def server_options(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_server_options` parsed, as options of `Primus`."""
    return dict(args.option) | {
        "transformer": args.transformer,
        "parser": args.parser,
        "plugin": ",".join(args.plugin),
        "pathname": args.pathname,
    }


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name.isidentifier() or not equals or name in OWN:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as max_length=65536")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
