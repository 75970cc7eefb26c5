"""The options that say how to reach a server, for the commands that talk to one."""

from __future__ import annotations

import argparse
import ssl
from typing import Any

from primus.errors import PrimusError

__all__ = ["add_target_options", "transport_options"]


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Add ``URL``, ``--pathname``, ``--timeout``, ``--header`` and ``--insecure``."""
    parser.add_argument(
        "url",
        metavar="URL",
        help="where the server is, such as http://localhost:8080; http, https, ws or wss",
    )
    group = parser.add_argument_group("reaching the server")
    group.add_argument(
        "--pathname",
        metavar="PATH",
        default="/primus",
        help="the path below which its Primus answers (default: %(default)s)",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="how long to wait for it (default: %(default)g)",
    )
    group.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="a header to send, such as 'Authorization: Bearer …'; may be given several times",
    )
    group.add_argument(
        "--insecure", action="store_true", help="accept any TLS certificate, such as your own"
    )


def transport_options(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_target_options` parsed, as the ``transport`` option of a client.

    Raises:
        PrimusError: a header has no colon.
    """
    options: dict[str, Any] = {}
    if args.header:
        options["headers"] = dict(_header(text) for text in args.header)
    if args.insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        options["ssl"] = context
    return options


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise PrimusError(f"--header {text!r}: must be 'NAME: VALUE'")
    return name.strip(), value.strip()
