"""The names that `new` puts in the place of a template's."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEW = HERE / "new.py"


def new(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it."""
    command = [sys.executable, str(NEW), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        ("plugin", "primus-shout"),
        ("parser", "primus-parser-shout"),
        ("transformer", "primus-transformer-shout"),
    ],
)
def test_nothing_of_the_template_is_left(tmp_path: Path, kind: str, folder: str) -> None:
    done = new(kind, "shout", tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert [made.name for made in tmp_path.iterdir()] == [folder]
    assert f"pytest {tmp_path / folder}" in done.stdout
    needs = tomllib.loads((tmp_path / folder / "pyproject.toml").read_text("utf-8"))
    (kit,) = needs["dependency-groups"]["test"]
    assert f"'packages/{kit}'" in done.stdout
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"pyproject.toml", "README.md", "LICENSE", "py.typed", "client.js"} <= {
        file.name for file in files
    }
    for file in files:
        assert "template" not in str(file.relative_to(tmp_path))
        assert not re.search("template", file.read_text("utf-8"), re.IGNORECASE), file


def test_a_name_of_several_words_is_spelt_as_each_language_does(tmp_path: Path) -> None:
    new("plugin", "read-receipts", tmp_path)

    made = tmp_path / "primus-read-receipts"
    module = (made / "src/primus_read_receipts/__init__.py").read_text("utf-8")
    assert "def read_receipts(" in module
    assert 'KEY = "read-receipts"' in module
    script = (made / "src/primus_read_receipts/client.js").read_text("utf-8")
    assert "export default function readReceipts(primus)" in script
    assert "const KEY = 'read-receipts';" in script
    readme = (made / "README.md").read_text("utf-8")
    assert "spark.read_receipts(" in readme
    assert "primus.readReceipts(" in readme
    new("parser", "read-receipts", tmp_path)
    parser = tmp_path / "primus-parser-read-receipts/src/primus_parser_read_receipts/__init__.py"
    assert "class ReadReceiptsParser:" in parser.read_text("utf-8")


def test_the_prefix_need_not_be_said_but_may(tmp_path: Path) -> None:
    new("plugin", "primus-shout", tmp_path)

    assert [made.name for made in tmp_path.iterdir()] == ["primus-shout"]


@pytest.mark.parametrize(
    "name", ["Shout", "1st", "read receipts", "read_receipts", "class", "delete", "template", ""]
)
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    done = new("plugin", name, tmp_path)

    assert done.returncode == 1
    assert repr(name) in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "primus-shout").mkdir()

    done = new("plugin", "shout", tmp_path)

    assert "is there already" in done.stderr
    assert list((tmp_path / "primus-shout").iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("plugin",), ("thing", "shout")])
def test_anything_else_is_answered_with_how_to_use_it(arguments: tuple[str, ...]) -> None:
    done = new(*arguments)

    assert done.returncode == 1
    assert "Usage: python new.py KIND NAME [FOLDER]" in done.stderr
