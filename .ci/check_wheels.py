"""Check built wheels from the environment they are installed in, with nothing but themselves.

Usage: python check_wheels.py DIST FOLDER…, where DIST holds the wheels and each FOLDER is the
source of one distribution. Exits with a message at the first thing that is not as declared.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

LIBRARIES = (".so", ".pyd")
"""How names of compiled modules end."""


def check_contents(dist: Path, folder: Path) -> None:
    """Every file of the sources, scripts and type markers included, is in the wheel.

    What is compiled is looked at by `check_compiled`.
    """
    stem = f"{folder.name.replace('-', '_')}-*"
    (wheel,) = dist.glob(f"{stem}.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [file for file in (folder / "src").rglob("*") if file.is_file()]
    wanted = {
        file.relative_to(folder / "src").as_posix()
        for file in files
        if file.suffix not in (".pyc", *LIBRARIES)
    }
    if absent := sorted(wanted - packed):
        sys.exit(f"{wheel.name} lacks {', '.join(absent)}")
    if not any(name.endswith("licenses/LICENSE") for name in packed):
        sys.exit(f"{wheel.name} has no licence")
    print(f"{wheel.name}: {len(packed)} files")


def check_compiled(dist: Path, folder: Path) -> None:
    """What is made of C is in a wheel of this platform, and its source in the sdist.

    Without a compiler the wheel is for all platforms and has nothing compiled, except in CI.
    """
    sources = [f"native/{file.name}" for file in sorted((folder / "native").glob("*.c"))]
    if not sources:
        return
    stem = folder.name.replace("-", "_")
    (sdist,), (wheel,) = dist.glob(f"{stem}-*.tar.gz"), dist.glob(f"{stem}-*.whl")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    if absent := sorted(set(sources) - names):
        sys.exit(f"{sdist.name} lacks {', '.join(absent)}")
    compiled = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(LIBRARIES)]
    is_for_all = wheel.name.endswith("-none-any.whl")
    if is_for_all is not (len(compiled) < len(sources)):
        sys.exit(f"{wheel.name} has {len(compiled)} compiled files for {len(sources)} of C")
    if is_for_all and os.environ.get("CI"):
        sys.exit(f"{wheel.name} is not compiled")
    if is_for_all:
        print(f"{wheel.name} is not compiled: there was no C compiler")
        return
    importlib.import_module(compiled[0].partition(".")[0].replace("/", "."))
    print(f"{wheel.name}: {', '.join(compiled)}")


def check_entry_points(project: dict[str, Any]) -> None:
    """Every declared entry point is found by its name, once, and its object can be loaded."""
    declared = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    for group, entries in declared.items():
        if group == "pytest11":
            continue  # loaded by pytest, which is not installed here
        for name in entries:
            found = entry_points(group=group, name=name)
            if len(found) != 1:
                sys.exit(f"{group}: {name} is found {len(found)} times")
            for point in found:
                print(f"{group}: {name} = {point.load()!r}")


def check_command(*arguments: str) -> None:
    """``primus`` with these arguments succeeds and prints something."""
    command = [str(Path(sys.executable).parent / "primus"), *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if not printed.strip():
        sys.exit(f"primus {' '.join(arguments)} printed nothing")
    print(f"primus {' '.join(arguments)}: {len(printed)} characters")


def main(dist: str, *folders: str) -> None:
    """Run every check over every distribution."""
    for folder in map(Path, folders):
        check_contents(Path(dist), folder)
        check_compiled(Path(dist), folder)
        check_entry_points(tomllib.loads((folder / "pyproject.toml").read_text())["project"])
    check_command("plugins")
    check_command("library")
    check_command("library", "--min", "--sri")


if __name__ == "__main__":
    main(*sys.argv[1:])
