"""What is broken, and that nothing else of the module is."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

mutants = runpy.run_path(str(Path(__file__).with_name("breaking.py")), run_name="breaking")[
    "mutants"
]

SOURCE = """
def read(self, size):
    if size > self.limit and not self.open:
        raise ValueError(size)
    try:
        self.wire.close()
    except OSError as error:
        self.seen = None
    return self.value
"""


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    """The mutants of the module above that aim at guards, by what they break."""
    file = tmp_path / "module.py"
    file.write_text(SOURCE, "utf-8")
    return {f"{each.line} {each.what}": each for each in mutants(file, tmp_path) if each.is_guard}


def read(mutant: Any, size: int, limit: int, *, is_open: bool, close: Any = int) -> Any:
    """What the broken function returns or raises."""
    module: dict[str, Any] = {}
    exec(mutant.code(), module)
    wire = SimpleNamespace(close=close)
    end = SimpleNamespace(limit=limit, open=is_open, wire=wire, seen=1, value="read")
    try:
        return module["read"](end, size)
    except Exception as error:
        return type(error)


def closing() -> None:
    raise OSError


def test_every_guard_of_a_function_is_found(found: dict[str, Any]) -> None:
    assert sorted(found) == [
        "3 Gt -> GtE",
        "3 never",
        "3 without `not self.open`",
        "3 without `size > self.limit`",
        "4 left out",
        "6 left out",
        "7 not contained",
        "8 left out",
    ]


@pytest.mark.parametrize(
    ("name", "size", "limit", "is_open", "outcome"),
    [
        ("3 Gt -> GtE", 5, 5, False, ValueError),
        ("3 Gt -> GtE", 4, 5, False, "read"),
        ("3 never", 6, 5, False, "read"),
        ("3 without `not self.open`", 6, 5, True, ValueError),
        ("3 without `not self.open`", 5, 5, True, "read"),
        ("3 without `size > self.limit`", 1, 5, False, ValueError),
        ("4 left out", 6, 5, False, "read"),
    ],
)
def test_one_thing_is_broken_at_a_time(
    found: dict[str, Any], name: str, size: int, limit: int, is_open: bool, outcome: object
) -> None:
    assert read(found[name], size, limit, is_open=is_open) == outcome


def test_calls_are_left_out_and_errors_not_contained(found: dict[str, Any]) -> None:
    assert read(found["6 left out"], 1, 5, is_open=True, close=closing) == "read"
    assert read(found["8 left out"], 1, 5, is_open=True, close=closing) == "read"
    assert read(found["7 not contained"], 1, 5, is_open=True, close=closing) is OSError


def test_a_line_that_moves_stays_in_the_third_that_is_held_out(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(SOURCE, "utf-8")
    before = {each.key: each.is_held_out for each in mutants(file, tmp_path)}

    file.write_text("\n\n" + SOURCE, "utf-8")

    assert {each.key: each.is_held_out for each in mutants(file, tmp_path)} == before
