"""``primus spec``: what a server says about itself."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from primus.cli.target import add_target_options, transport_options

__all__ = ["add"]

DESCRIPTION = """\
Ask a running Primus server, of any generation and language, for its transformer, its parser and
its heartbeat. The durations are in milliseconds, and false where they are disabled.
"""

EPILOG = """\
examples:
  primus spec http://localhost:8080
  primus spec https://example.com --pathname /realtime
"""


def add(subparsers: Any) -> None:
    """Add the command to the parser of ``primus``."""
    parser = subparsers.add_parser(
        "spec",
        help="ask a server for its transformer and parser",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print it as JSON.

    Raises:
        PrimusError: the server cannot be reached, or is no Primus.
    """
    from primus.client.spec import fetch_spec

    spec = asyncio.run(
        fetch_spec(
            args.url,
            pathname=args.pathname,
            timeout=args.timeout,
            transport=transport_options(args),
        )
    )
    print(json.dumps(spec, indent=2))
    return 0
