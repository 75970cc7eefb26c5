"""Credentials of a URL, and the names that connections get."""

import os
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_process_that_is_forked_has_ids_of_its_own() -> None:
    new_spark_id()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, "".join(new_spark_id() for _ in range(64)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    text = os.read(ours, 64 * 22).decode()
    os.close(ours)
    os.close(theirs)
    of_child = {text[at : at + 22] for at in range(0, len(text), 22)}
    assert len(of_child) == 64
    assert of_child.isdisjoint(new_spark_id() for _ in range(64))
