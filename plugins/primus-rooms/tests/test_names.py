import pytest

from primus_rooms.names import matches


@pytest.mark.parametrize(
    ("pattern", "room", "fits"),
    [
        ("ab*b", "abb", True),
        ("ab*b", "ab", False),
        ("ab*ab", "ab", False),
        ("ab*ab", "abab", True),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("*", "", True),
        ("a*", "a", True),
        ("ab", "ab", True),
        ("ab", "abc", False),
    ],
)
def test_no_letter_of_a_room_stands_for_two_of_a_pattern(
    pattern: str, room: str, fits: bool
) -> None:
    assert matches(pattern, room) is fits
