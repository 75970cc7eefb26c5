"""Credentials of a URL, and the names that connections get."""

from collections.abc import Mapping

import pytest

from primus import OptionError
from primus.credentials import separated
from primus.ids import new_key, new_spark_id

BASIC = "Basic dXNlcjpzZWNyZXQ="


@pytest.mark.parametrize(
    ("url", "headers", "expected"),
    [
        ("http://host/p", None, ("http://host/p", None)),
        ("http://host/p?a=b@c", None, ("http://host/p?a=b@c", None)),
        ("http://user:secret@host", None, ("http://host", {"Authorization": BASIC})),
        ("ws://user:secret@host", {"A": "b"}, ("ws://host", {"A": "b", "Authorization": BASIC})),
        ("ws://user:secret@host", {"AUTHORIZATION": "x"}, ("ws://host", {"AUTHORIZATION": "x"})),
        ("ws://@host", None, ("ws://host", {})),
    ],
)  # fmt: skip
def test_credentials_of_a_url_become_a_header(
    url: str,
    headers: Mapping[str, str] | None,
    expected: tuple[str, Mapping[str, str] | None],
) -> None:
    assert separated(url, headers) == expected


def test_a_user_with_a_colon_in_its_name_is_refused() -> None:
    with pytest.raises(OptionError, match="colon"):
        separated("http://a%3Ab:secret@host", None)


def test_names_are_random_and_safe_in_a_url() -> None:
    names = {make() for make in (new_key, new_spark_id) for _ in range(100)}

    assert len(names) == 200
    assert {len(name) for name in names} == {22}
    assert all(name.replace("-", "").replace("_", "").isalnum() for name in names)
