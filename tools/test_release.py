"""The version: one for all distributions, and how it is stamped."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


def loaded(file: Path) -> Any:
    """A script of this folder as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = loaded(ROOT / "tools" / "release.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the files that a release changes."""
    for file in [ROOT / release.CORE, *release.projects(ROOT), ROOT / "CHANGELOG.md"]:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    return tmp_path


def test_all_distributions_have_one_version() -> None:
    found = release.versions(ROOT)

    folders = {
        file.parent for file in release.projects(ROOT) if not file.parent.name.startswith("_")
    }
    assert len(found) == len(folders)  # primus-core has it in version.py
    assert len(set(found.values())) == 1, found


def test_they_require_one_another_in_the_same_minor_version() -> None:
    (version,) = set(release.versions(ROOT).values())

    found = release.requirements(ROOT)

    wrong = {name for name, wanted in found.items() if wanted != {release.requirement(version)}}
    assert found
    assert not wrong, (
        f"run: python tools/release.py; these should be {release.requirement(version)}"
    )


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("0.1.0", ">=0.1,<0.2"),
        ("0.9.3", ">=0.9,<0.10"),
        ("0.2.0rc1", ">=0.2.0rc1,<0.3"),
        ("1.4.0", ">=1.4,<2"),
    ],
)
def test_what_distributions_require_follows_from_the_version(version: str, wanted: str) -> None:
    assert release.requirement(version) == wanted


def test_a_version_is_stamped_everywhere(tree: Path) -> None:
    written = release.stamp(tree, "0.7.0", "2027-01-31")

    assert set(release.versions(tree).values()) == {"0.7.0"}
    assert set().union(*release.requirements(tree).values()) == {">=0.7,<0.8"}
    template = (tree / "plugins" / "_template" / "pyproject.toml").read_text("utf-8")
    assert 'version = "0.1.0"' in template
    assert tree / "CHANGELOG.md" in written


def test_what_was_unreleased_gets_version_and_date(tree: Path) -> None:
    changelog = tree / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n", "utf-8")

    release.stamp(tree, "0.7.0", "2027-01-31")

    assert changelog.read_text("utf-8") == (
        "# Changelog\n\n## [Unreleased]\n\n## [0.7.0] - 2027-01-31\n\n### Added\n\n- A thing.\n"
    )


@pytest.mark.parametrize("version", ["", "1", "1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", "1.2.3rc"])
def test_what_is_no_version_changes_nothing(tree: Path, version: str) -> None:
    before = release.versions(tree)

    with pytest.raises(ValueError, match="is no version"):
        release.stamp(tree, version, "2027-01-31")

    assert release.versions(tree) == before


def test_a_version_is_released_once_and_only_with_something_new(tree: Path) -> None:
    release.stamp(tree, "0.7.0", "2027-01-31")
    before = release.versions(tree)

    with pytest.raises(ValueError, match=r"0\.7\.0 already"):
        release.stamp(tree, "0.7.0", "2027-02-01")
    with pytest.raises(ValueError, match="nothing under"):
        release.stamp(tree, "0.8.0", "2027-02-01")

    assert release.versions(tree) == before


def test_a_tag_has_to_be_what_the_tree_says(tree: Path) -> None:
    release.stamp(tree, "0.7.0", "2027-01-31")

    release.check(tree, "v0.7.0")
    for tag in ("0.7.0", "v0.7.1", "v0.8.0", "v", "latest"):
        with pytest.raises(ValueError, match=r"the tag .* is no"):
            release.check(tree, tag)
    assert release.main(["--check", "v99.0.0"]) == 2


def test_a_tag_needs_an_entry_in_the_changelog(tree: Path) -> None:
    release.stamp(tree, "0.7.0", "2027-01-31")
    changelog = tree / "CHANGELOG.md"
    changelog.write_text(changelog.read_text("utf-8").replace("## [0.7.0]", "## [0.6.0]"), "utf-8")

    with pytest.raises(ValueError, match=r"CHANGELOG\.md"):
        release.check(tree, "v0.7.0")
