"""Check built wheels from the environment they are installed in, with nothing but themselves.

Usage: python check_wheels.py DIST FOLDER…, where DIST holds the wheels and each FOLDER is the
source of one distribution. Exits with a message at the first thing that is not as declared.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any


def check_contents(dist: Path, folder: Path) -> None:
    """Every file of the sources, scripts and type markers included, is in the wheel."""
    stem = f"{folder.name.replace('-', '_')}-*"
    (wheel,) = dist.glob(f"{stem}.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [file for file in (folder / "src").rglob("*") if file.is_file()]
    wanted = {
        file.relative_to(folder / "src").as_posix() for file in files if file.suffix != ".pyc"
    }
    if absent := sorted(wanted - packed):
        sys.exit(f"{wheel.name} lacks {', '.join(absent)}")
    if not any(name.endswith("licenses/LICENSE") for name in packed):
        sys.exit(f"{wheel.name} has no licence")
    print(f"{wheel.name}: {len(packed)} files")


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
        check_entry_points(tomllib.loads((folder / "pyproject.toml").read_text())["project"])
    check_command("plugins")
    check_command("library")
    check_command("library", "--min", "--sri")


if __name__ == "__main__":
    main(*sys.argv[1:])
