"""What is compiled with the headers of one Python runs in all that its wheel is for."""

from pathlib import Path

import pytest

SOURCES = sorted(Path(__file__).parents[1].joinpath("native").glob("*.c"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_no_format_has_a_size(source: Path) -> None:
    """The headers of 3.13 and later make a call of ``s#`` that raises in 3.11 and 3.12."""
    code = [line for line in source.read_text().splitlines() if not line.startswith("#")]
    assert not any("#" in line for line in code)
