"""``primus plugins``: what is installed."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from primus.errors import PluginError
from primus.plugins import Ark
from primus.registry import PARSER, PLUGIN, TRANSFORMER, Kind, find, installed
from primus.websocket.speedups import absence

__all__ = ["Offer", "add", "offers"]

DESCRIPTION = """\
List the transformers, parsers and plugins that are installed, with the names to give in
--transformer, --parser and --plugin. One that cannot be used is listed with the reason; and so is
primus-speedups, where it is installed.
"""

EPILOG = """\
examples:
  primus plugins
  primus plugins --json
"""


SPEEDUPS: Final = "primus-speedups"


@dataclass(slots=True)
class Offer:
    """One installed entry point. ``error`` says why it cannot be used; `None` when it can."""

    kind: str
    name: str
    distribution: str
    version: str
    module: str
    hooks: list[str] = field(default_factory=list)
    error: str | None = None


def add(subparsers: Any) -> None:
    """Add the command to the parser of ``primus``."""
    parser = subparsers.add_parser(
        "plugins",
        help="list the installed transformers, parsers and plugins",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    found = list(offers())
    if args.json:
        print(json.dumps([asdict(offer) for offer in found], indent=2))
        return 0
    _print(found)
    return 0


def offers() -> Iterator[Offer]:
    """Everything installed: transformers, parsers, plugins, each by name. Imports all of it.

    The last is ``primus-speedups``, where it is installed; its kind is ``speedups``.
    """
    from importlib.metadata import version  # takes a tenth of the time in which a command starts

    for kind in (TRANSFORMER, PARSER, PLUGIN):
        for name, entry in sorted(installed(kind).items()):
            offer = Offer(
                kind.name,
                entry.name,
                distribution=entry.distribution or "unknown",
                version=version(entry.distribution) if entry.distribution else "unknown",
                module=entry.value,
            )
            try:
                offer.hooks = _hooks(kind, name)
            except PluginError as error:
                offer.error = str(error)
            yield offer
    yield from _speedups()


def _speedups() -> Iterator[Offer]:
    """The compiled functions, where they are installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        owner = distribution(SPEEDUPS)
    except PackageNotFoundError:
        return
    offer = Offer("speedups", "texts", owner.name, owner.version, module="primus_speedups")
    offer.error = absence()
    yield offer


def _hooks(kind: Kind, name: str) -> list[str]:
    """The hooks that an installed module offers, in the order it defines them.

    Raises:
        PluginError: it cannot be imported, or its hooks do not fit.
    """
    module = find(kind, name)
    Ark().add(name, module)
    members = vars(module) if inspect.ismodule(module) else dict(inspect.getmembers(module))
    return [name for name, member in members.items() if hasattr(member, "primus_impl")]


def _print(found: list[Offer]) -> None:
    names = max((len(offer.name) for offer in found), default=0)
    owners = max((len(_owner(offer)) for offer in found), default=0)
    for kind in (TRANSFORMER, PARSER, PLUGIN):
        print(f"{kind.name}s")
        listed = [offer for offer in found if offer.kind == kind.name]
        for offer in listed:
            hooks = ", ".join(hook.removeprefix("primus_") for hook in offer.hooks)
            state = hooks if offer.error is None else f"broken: {offer.error}"
            print(f"  {offer.name:{names}}  {_owner(offer):{owners}}  {state}")
        if not listed:
            print("  none")
    for offer in found:
        if offer.kind == "speedups":
            state = "in use" if offer.error is None else f"not in use: {offer.error}"
            print(f"{offer.kind}\n  {offer.name:{names}}  {_owner(offer):{owners}}  {state}")


def _owner(offer: Offer) -> str:
    return f"{offer.distribution} {offer.version}"
