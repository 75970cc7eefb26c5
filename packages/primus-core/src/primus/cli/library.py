"""``primus library``: the browser client as a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from primus.cli.options import add_server_options, server_options
from primus.errors import PrimusError

__all__ = ["add"]

DESCRIPTION = """\
Write the browser client that fits a server with these options.

A running server gives it at <pathname>/primus.js (and primus.mjs). Write it to a file when a
bundler or a CDN is to have it; the options must then be those of the server.
"""

EPILOG = """\
examples:
  primus library -o static/primus.js
  primus library --plugin "rooms, emit" -o src/primus.mjs
  primus library --min -o static/primus.js --sri
"""


def add(subparsers: Any) -> None:
    """Add the command to the parser of ``primus``."""
    parser = subparsers.add_parser(
        "library",
        help="write the browser client to a file",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="where to write it; its name chooses the format: .mjs is a module, .d.ts are the "
        "TypeScript declarations, .d.mts those of the module, anything else a script "
        "(default: standard output)",
    )
    parser.add_argument(
        "--format",
        choices=("umd", "esm"),
        help="umd: for <script>, AMD and CommonJS; esm: for import (default: by FILE, or umd)",
    )
    parser.add_argument(
        "--global-name",
        metavar="NAME",
        default="Primus",
        help="the name that a <script> gives to the page (default: %(default)s)",
    )
    parser.add_argument(
        "--min",
        action="store_true",
        help="minified; a FILE gets a source map beside it, FILE.map",
    )
    parser.add_argument(
        "--sri",
        action="store_true",
        help="print its digest, for the attribute integrity of a <script>, in place of the client",
    )
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the client.

    Raises:
        PrimusError: an option cannot be used, or the file cannot be written.
    """
    from primus.server.primus import Primus

    primus = Primus(**{**server_options(args), "global_name": args.global_name})
    if args.min and primus.library(minified=True) == primus.library():
        raise PrimusError(
            "this installation has no minified client: it is made when wheels are built, and in a "
            "checkout by python tools/minifying.py"
        )
    if args.output is None:
        text = primus.library(args.format or "umd", minified=args.min)
        sys.stdout.write(f"{_integrity(text.encode())}\n" if args.sri else text)
        return 0
    try:
        primus.save(args.output, format=args.format, minified=args.min)
        if args.sri:
            print(_integrity(args.output.read_bytes()))
    except OSError as error:
        raise PrimusError(f"cannot write {args.output}: {error.strerror}") from error
    return 0


def _integrity(content: bytes) -> str:
    from primus.browser.artefact import integrity

    return integrity(content)
