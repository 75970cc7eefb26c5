"""``primus plugins``: what is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from primus import __version__
from primus.websocket import speedups
from primus_testing.texts import read_texts


def listed(run: Any) -> dict[tuple[str, str], dict[str, Any]]:
    code, out, _ = run("plugins", "--json")
    assert code == 0
    return {(offer["kind"], offer["name"]): offer for offer in json.loads(out)}


def test_each_is_listed_with_its_distribution_version_and_hooks(run: Any) -> None:
    found = listed(run)

    assert found["parser", "json"] == {
        "kind": "parser",
        "name": "json",
        "distribution": "primus-core",
        "version": __version__,
        "module": "primus.parsers.json",
        "hooks": ["primus_parser"],
        "error": None,
    }
    counter = found["plugin", "counter"]
    assert (counter["distribution"], counter["version"]) == ("offers", "1.2")
    assert counter["hooks"] == ["primus_setup", "primus_connection"]


def test_one_that_cannot_be_imported_is_listed_with_the_reason(run: Any) -> None:
    broken = listed(run)["plugin", "broken"]

    assert broken["hooks"] == []
    assert "the library underneath is missing" in broken["error"]
    assert "pip install --force-reinstall offers" in broken["error"]


def test_one_with_a_misspelt_hook_is_listed_with_the_reason(run: Any) -> None:
    misspelt = listed(run)["plugin", "misspelt"]

    assert "primus_conection" in misspelt["error"]


def test_people_get_a_table_by_kind(run: Any) -> None:
    code, out, err = run("plugins")
    lines = out.splitlines()

    assert (code, err) == (0, "")
    assert lines.index("transformers") < lines.index("parsers") < lines.index("plugins")
    plain = next(line for line in lines if line.split()[:1] == ["plain"])
    assert plain.split() == ["plain", "offers", "1.2", "transformer"]
    assert next(line for line in lines if "broken:" in line).split()[0] == "broken"


def test_a_kind_of_which_nothing_is_installed_says_so(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus.cli.plugins.offers", lambda: iter(()))

    _, out, _ = run("plugins")

    assert out.split() == ["transformers", "none", "parsers", "none", "plugins", "none"]


@pytest.mark.parametrize(
    ("absent", "error", "shown"),
    [
        (None, None, "in use"),
        ("0", "turned off by PRIMUS_SPEEDUPS=0", "not in use: turned off by PRIMUS_SPEEDUPS=0"),
    ],
)
def test_speedups_are_listed_last_where_they_are_installed(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    absent: str | None,
    error: str | None,
    shown: str,
) -> None:
    info = tmp_path / "primus_speedups-7.8.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: primus-speedups\nVersion: 7.8\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(speedups, "_installed", lambda: read_texts)
    if absent is None:
        monkeypatch.delenv("PRIMUS_SPEEDUPS", raising=False)
    else:
        monkeypatch.setenv("PRIMUS_SPEEDUPS", absent)

    offer = listed(run)["speedups", "texts"]
    _, out, _ = run("plugins")

    assert (offer["distribution"], offer["version"]) == ("primus-speedups", "7.8")
    assert offer["error"] == error
    *_, title, line = out.splitlines()
    assert title == "speedups"
    assert line.split(maxsplit=3) == ["texts", "primus-speedups", "7.8", shown]
