"""Stamp a version into all distributions: python tools/release.py VERSION [YYYY-MM-DD].

The distributions are released together and share one version, which stands in each of them. This
sets it everywhere, makes distributions require one another within the same minor version
(``primus-core>=0.2,<0.3``), and gives what is "Unreleased" in the changelog a heading with version
and date. RELEASING.md says what comes next.

``python tools/release.py --check v0.2.0`` fails unless that tag is what all of them say.
"""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent
CORE: Final = Path("packages/primus-core/src/primus/version.py")
VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:(?:a|b|rc)[1-9]\d*)?")
"""Three numbers, and for a release before the release ``a1``, ``b1`` or ``rc1``."""

SOURCE: Final = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
STATIC: Final = re.compile(r'^version = "(.+)"$', re.MULTILINE)
OURS: Final = re.compile(r'"(primus-[a-z-]+)(>=[^";]*)"')
UNRELEASED: Final = "## [Unreleased]\n"


def requirement(version: str) -> str:
    """What a distribution requires of another: the same minor version.

    Before 1.0 any minor version may change the seam; a release before the release is no ``>=0.N``
    for installers, so it is named itself.
    """
    major, minor = version.split(".")[:2]
    lowest = f"{major}.{minor}" if version.replace(".", "").isdigit() else version
    return (
        f">={lowest},<{major}.{int(minor) + 1}" if major == "0" else f">={lowest},<{int(major) + 1}"
    )


def projects(root: Path) -> list[Path]:
    """The ``pyproject.toml`` of every distribution, and of the templates for new ones."""
    return sorted([*root.glob("packages/*/pyproject.toml"), *root.glob("plugins/*/pyproject.toml")])


def versions(root: Path) -> dict[str, str]:
    """The version that each file has; a template has one of its own, and is not among them."""
    found = {}
    for file in [root / CORE, *projects(root)]:
        match = (SOURCE if file.suffix == ".py" else STATIC).search(file.read_text("utf-8"))
        if match and not file.parent.name.startswith("_"):
            found[file.relative_to(root).as_posix()] = match[1]
    return found


def requirements(root: Path) -> dict[str, set[str]]:
    """What each distribution, and each template, requires of others of this repository."""
    found: dict[str, set[str]] = {}
    for file in projects(root):
        for name, wanted in OURS.findall(file.read_text("utf-8")):
            found.setdefault(f"{file.parent.name}: {name}", set()).add(wanted)
    return found


def stamp(root: Path, version: str, date: str) -> list[Path]:
    """Write a version into the tree.

    Returns:
        The files that have changed.

    Raises:
        ValueError: it is no version, it has been released already, or nothing is "Unreleased".
    """
    if not VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is no version like 0.2.0 or 0.2.0rc1")
    texts = {file: file.read_text("utf-8") for file in [root / CORE, *projects(root)]}
    changed = {}
    for file, text in texts.items():
        if file.suffix == ".py":
            changed[file] = SOURCE.sub(f'__version__ = "{version}"', text)
            continue
        new = OURS.sub(rf'"\1{requirement(version)}"', text)
        if not file.parent.name.startswith("_"):
            new = STATIC.sub(f'version = "{version}"', new, count=1)
        changed[file] = new
    changelog = root / "CHANGELOG.md"
    texts[changelog] = changelog.read_text("utf-8")
    changed[changelog] = _released(texts[changelog], version, date)
    written = [file for file, text in changed.items() if text != texts[file]]
    for file in written:
        file.write_text(changed[file], "utf-8")
    return written


def _released(text: str, version: str, date: str) -> str:
    if f"\n## [{version}]" in text:
        raise ValueError(f"the changelog has a heading for {version} already")
    before, heading, after = text.partition(UNRELEASED)
    if not heading or after.lstrip().startswith("## ["):
        raise ValueError("CHANGELOG.md has nothing under '## [Unreleased]' to release")
    return f"{before}{heading}\n## [{version}] - {date}\n{after}"


def check(root: Path, tag: str) -> None:
    """Compare a tag with the tree.

    Raises:
        ValueError: a version, a requirement or the changelog says otherwise.
    """
    version = tag.removeprefix("v")
    if not VERSION.fullmatch(version):
        raise ValueError(f"the tag {tag!r} is no version like v0.2.0 or v0.2.0rc1")
    wrong = [file for file, found in versions(root).items() if found != version]
    wrong += [each for each, found in requirements(root).items() if found != {requirement(version)}]
    if f"\n## [{version}] - " not in (root / "CHANGELOG.md").read_text("utf-8"):
        wrong.append("CHANGELOG.md")
    if wrong or tag != f"v{version}":
        raise ValueError(f"the tag {tag!r} is not what these say: {', '.join(wrong)}")


def main(arguments: list[str]) -> int:
    """Stamp the version that is asked for; 2 when it cannot be."""
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments[0] == "--check":
        return _checked(arguments[1:])
    date = (
        arguments[1]
        if len(arguments) == 2
        else datetime.datetime.now(datetime.UTC).date().isoformat()
    )
    try:
        written = stamp(ROOT, arguments[0], date)
    except ValueError as error:
        print(f"tools/release.py: {error}", file=sys.stderr)
        return 2
    for file in written:
        print(file.relative_to(ROOT))
    return 0


def _checked(tags: list[str]) -> int:
    try:
        check(ROOT, *tags)
    except (TypeError, ValueError) as error:
        print(f"tools/release.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
