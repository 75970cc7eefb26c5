"""What installed distributions offer by entry points, without ``importlib.metadata``.

That module, what it imports, and its parsing of all entry points there are take a fifth of the time
in which a server starts. Folders are read here as it reads them; for anything else it is asked.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from importlib.machinery import PathFinder
from stat import S_ISDIR
from typing import Any

__all__ = ["EntryPoint", "entry_points"]


class EntryPoint:
    """What a distribution offers.

    Args:
        name: the name that it is offered by.
        value: where it is: a module, or ``module:attribute``.
        group: the kind of what is offered.
        distribution: what offers it, as pip knows it; empty when that is not known.
    """

    __slots__ = ("distribution", "group", "name", "value")

    def __init__(self, name: str, value: str, group: str, distribution: str = "") -> None:
        self.name = name
        self.value = value
        self.group = group
        self.distribution = distribution

    @property
    def module(self) -> str:
        """The name of the module."""
        return self.value.partition("[")[0].partition(":")[0].strip()

    def load(self) -> Any:
        """The object itself, imported.

        Raises:
            ImportError: the module cannot be imported.
            AttributeError: the module does not have the attribute.
        """
        found: Any = import_module(self.module)
        _, _, attribute = self.value.partition("[")[0].partition(":")
        for name in filter(None, attribute.strip().split(".")):
            found = getattr(found, name)
        return found


def entry_points(group: str) -> list[EntryPoint]:
    """What all installed distributions offer in a group, in the order of ``sys.path``."""
    others = any(
        finder is not PathFinder and hasattr(finder, "find_distributions")
        for finder in sys.meta_path
    )
    folders = {path: _changed(path) for path in sys.path}
    if others or None in folders.values():
        return _from_library(group)
    return [*_offered(group, tuple(folders.items()))]


def _from_library(group: str) -> list[EntryPoint]:
    from importlib import metadata

    return [
        EntryPoint(each.name, each.value, group, each.dist.name if each.dist is not None else "")
        for each in metadata.entry_points(group=group)
    ]


def _changed(path: str) -> int | None:
    """When a folder was last changed, in nanoseconds: 0 when there is none; `None` for archives."""
    try:
        found = os.stat(path or ".")
    except OSError:
        return 0
    return found.st_mtime_ns if S_ISDIR(found.st_mode) and not path.endswith(".egg") else None


@lru_cache(maxsize=8)
def _offered(group: str, folders: tuple[tuple[str, int | None], ...]) -> tuple[EntryPoint, ...]:
    """What the distributions in some folders offer in a group."""
    return tuple(
        entry
        for distribution, text in _offering(folders)
        if f"[{group}]" in text
        for entry in _in_group(text, group, distribution)
    )


@lru_cache(maxsize=1)
def _offering(folders: tuple[tuple[str, int | None], ...]) -> tuple[tuple[str, str], ...]:
    """The distributions in some folders that have entry points, and the text of these.

    Of two with the same name the first is the one that is imported.
    """
    texts: dict[str, str] = {}
    for folder, _ in folders:
        for name, path in _distributions(folder or "."):
            if name not in texts:
                texts[name] = _text(path)
    return tuple((name, text) for name, text in texts.items() if text)


def _distributions(folder: str) -> Iterator[tuple[str, str]]:
    """The name of each distribution that is installed in a folder, and where its metadata is."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            yield _normal(name.rpartition(".")[0].partition("-")[0]), os.path.join(folder, name)


def _text(metadata: str) -> str:
    """The entry points of a distribution; empty when it has none."""
    try:
        with open(os.path.join(metadata, "entry_points.txt"), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _normal(name: str) -> str:
    """The name of a distribution, as pip takes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _in_group(text: str, group: str, distribution: str) -> Iterator[EntryPoint]:
    """The entry points of one group in the text of a distribution."""
    here = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            here = line == f"[{group}]"
        elif here and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip(), group, distribution)
