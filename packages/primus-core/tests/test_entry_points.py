"""What is read of installed distributions is what ``importlib.metadata`` reads."""

import math
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from primus.entry_points import EntryPoint, entry_points

GROUP = "made.up"
TEXT = (
    "[console_scripts]\nfirst = no:one\n\n[made.up]\n# other = no\nfirst = math : pi\nsecond=os\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that distributions can be installed in."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def put(folder: Path, name: str, text: str | None) -> None:
    """Install the metadata of a distribution."""
    made = folder / f"{name}-1.0.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if text is not None:
        (made / "entry_points.txt").write_text(text)


def read() -> list[tuple[str, str, str, str]]:
    return [(e.name, e.value, e.group, e.distribution) for e in entry_points(GROUP)]


def test_the_entry_points_of_a_group_are_found_with_what_offers_them(folder: Path) -> None:
    put(folder, "Made_Up.Thing", TEXT)

    assert read() == [
        ("first", "math : pi", GROUP, "made-up-thing"),
        ("second", "os", GROUP, "made-up-thing"),
    ]


def test_an_entry_point_gives_the_attribute_or_the_module(folder: Path) -> None:
    put(folder, "thing", TEXT)

    assert [entry.load() for entry in entry_points(GROUP)] == [math.pi, sys.modules["os"]]
    assert EntryPoint("x", "os : path.join [extra]", GROUP).load() is sys.modules["os"].path.join


def test_of_two_distributions_with_one_name_the_first_counts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "later", "thing", TEXT)
    put(folder / "earlier", "Thing", None)
    for name in ("later", "earlier"):
        monkeypatch.syspath_prepend(tmp_path / name)

    assert read() == []


def test_what_is_installed_while_a_program_runs_is_found(folder: Path) -> None:
    assert read() == []
    put(folder, "thing", TEXT)

    assert len(read()) == 2


def test_distributions_in_an_archive_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "thing.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("thing-1.0.dist-info/METADATA", "Name: thing\nVersion: 1.0\n")
        file.writestr("thing-1.0.dist-info/entry_points.txt", TEXT)
    monkeypatch.syspath_prepend(archive)

    assert [entry[0] for entry in read()] == ["first", "second"]


def test_a_finder_of_another_kind_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(tmp_path, "thing", TEXT)

    class Elsewhere(metadata.DistributionFinder):
        def find_spec(self, *args: object) -> None:
            return None

        def find_distributions(self, context: object = None) -> object:  # type: ignore[override]
            return iter([metadata.PathDistribution(tmp_path / "thing-1.0.dist-info")])

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Elsewhere()])

    assert [entry[0] for entry in read()] == ["first", "second"]


@pytest.mark.parametrize(
    "group", ["primus.transformers", "primus.parsers", "primus.plugins", "console_scripts"]
)
def test_all_that_is_installed_here_is_read_as_by_the_standard_library(group: str) -> None:
    expected = {(each.name, each.value) for each in metadata.entry_points(group=group)}

    assert {(each.name, each.value) for each in entry_points(group)} == expected
