import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from primus_testing import golden
from primus_testing.tagged import dumps, loads


def test_dates_and_bytes_come_back() -> None:
    value = {"at": datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC), "data": [b"\x00\xff"]}
    text = '{"at": {"@date": 1700000000123}, "data": [{"@bytes": "AP8="}]}'
    assert dumps(value) == text
    assert loads(text) == value


def test_numbers_that_json_has_not_are_read() -> None:
    assert loads('[{"@number": "-Infinity"}, {"a": 1}]') == [-math.inf, {"a": 1}]


def test_other_values_have_no_tag() -> None:
    with pytest.raises(TypeError, match="set has no tag"):
        dumps({1})


def test_golden_vectors_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "golden.json"
    file.write_text(
        '[{"value": 1, "frame": {"@bytes": "AQ=="}}, {"value": 2, "frame": "x", "decodes": true}]'
    )
    vectors = golden(file)
    assert vectors.both == ((1, b"\x01"),)
    assert vectors.decoded == ((2, "x"),)
