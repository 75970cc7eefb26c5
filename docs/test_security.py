"""Each promise of SECURITY.md names tests, and these tests are there."""

from __future__ import annotations

import re

import pytest
from pages import DOCS

ROOT = DOCS.parent
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
SECTION = TEXT.partition("## What we promise")[2].partition("\n## ")[0]
PROMISES = re.findall(r"^- (.*\n(?:  .*\n)*)", SECTION, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`([\w./-]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.partition(".")[0][:60])
def test_a_promise_names_its_tests(promise: str) -> None:
    assert re.search(r"^  `[\w./-]+\.py::test_\w+`$", promise, re.MULTILINE)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    source = (ROOT / path).read_text("utf-8")

    assert re.search(rf"^ *(?:async )?def {name}\(", source, re.MULTILINE)
