"""Whether compiled functions are used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from primus.websocket import speedups

COMPILED = SimpleNamespace(read_texts=sorted, upgrade_fields=divmod)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PRIMUS_SPEEDUPS", raising=False)
    speedups._installed.cache_clear()
    yield
    speedups._installed.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "primus_speedups", module)


def test_they_are_used_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, COMPILED)

    assert speedups.read_texts() is sorted
    assert speedups.upgrade_fields() is divmod
    assert speedups.absence() is None


def test_a_build_without_a_compiler_is_not_used_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, None)

    assert speedups.read_texts() is None
    assert speedups.upgrade_fields() is None
    assert str(speedups.absence()).startswith("not compiled: ")


@pytest.mark.parametrize(("value", "is_used"), [("0", False), ("1", True), ("", True)])
def test_a_variable_turns_them_off_for_servers_that_are_made_afterwards(
    monkeypatch: pytest.MonkeyPatch, value: str, is_used: bool
) -> None:
    install(monkeypatch, COMPILED)
    assert speedups.read_texts() is sorted

    monkeypatch.setenv("PRIMUS_SPEEDUPS", value)

    assert (speedups.read_texts() is sorted) is is_used
    assert (speedups.upgrade_fields() is divmod) is is_used
    assert (speedups.absence() is None) is is_used
