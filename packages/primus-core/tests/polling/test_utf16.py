"""Texts measured and cut as JavaScript does."""

import pytest

from primus.polling import Utf16, units


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("abc", 3), ("é€", 2), ("a\U0001f600b", 4), ("\ud83d", 1)]
)
def test_a_character_beyond_the_first_plane_counts_two(text: str, length: int) -> None:
    assert units(text) == Utf16(text).length == length


def test_a_text_is_cut_by_units() -> None:
    text = Utf16("a\U0001f600b")
    assert [text.cut(0, 1), text.cut(1, 3), text.cut(3, 9)] == ["a", "\U0001f600", "b"]
    assert text.cut(1, 2) == "\ud83d"
    assert Utf16("aéb").cut(1, 2) == "é"
