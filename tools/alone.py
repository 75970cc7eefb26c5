"""``python tools/alone.py FOLDER REQUIREMENT…``: an environment with what is required, and no more.

It consists of links into the environment of the Python that makes it, where all of it has to be
installed: nothing is downloaded, built or compiled again. What a distribution uses without
declaring it is absent there, be it a module, an entry point or a plugin of pytest.
"""

from __future__ import annotations

import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(requirements: Iterable[str]) -> list[Distribution]:
    """The distributions that some requirements ask for, with all that these need in turn.

    Raises:
        PackageNotFoundError: one of them is not installed here.
    """
    found: dict[str, Distribution] = {}
    pending = [each for each in map(Requirement, requirements) if _applies(each, ())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while pending:
        asked = pending.pop()
        name, extras = canonicalize_name(asked.name), frozenset(asked.extras)
        if (name, extras) not in seen:
            seen.add((name, extras))
            found[name] = distribution(name)
            others = map(Requirement, found[name].requires or ())
            pending += [each for each in others if _applies(each, extras)]
    return [*found.values()]


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras))


def contents(installed: Distribution) -> Iterator[Path]:
    """The files and folders beside one another that a distribution consists of; no scripts."""
    for name in {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}:
        yield Path(str(installed.locate_file(name)))


def make(folder: Path, requirements: Iterable[str]) -> None:
    """Make the environment in `folder`, in place of what is there."""
    venv.EnvBuilder(clear=True, symlinks=True).create(folder)
    base = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=base))
    for installed in needed(requirements):
        for source in contents(installed):
            link = site / source.name
            if not link.exists():
                link.symlink_to(source)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
