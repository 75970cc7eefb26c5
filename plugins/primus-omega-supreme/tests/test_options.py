from typing import Any

import pytest

from primus import OptionError, PluginError, Primus
from primus_testing import MemoryTransformer


@pytest.mark.parametrize("password", [None, "", 5, b"secret"])
def test_it_does_not_start_without_a_secret(make_primus: Any, password: Any) -> None:
    with pytest.raises(OptionError, match="does not start without one"):
        make_primus(password=password)


def test_it_cannot_be_used_where_no_secret_was_given() -> None:
    primus = Primus(transformer=MemoryTransformer)

    with pytest.raises(OptionError, match="does not start without one"):
        primus.use("omega-supreme")

    assert not hasattr(primus, "forward")
    assert "omega-supreme" not in primus.layers


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("username", "a:b", "without a colon"),
        ("username", "", "without a colon"),
        ("concurrently", 0, "must be a whole number > 0"),
        ("concurrently", True, "must be a whole number > 0"),
        ("body_limit", 0, "must be a whole number of bytes"),
        ("forward_timeout", False, "must be seconds > 0"),
        ("forward_timeout", -1, "must be seconds > 0"),
        ("method", "", "must be a non-empty text"),
        ("middleware", "fn", "must be callable"),
        ("url", "/elsewhere", "must be below the pathname '/primus'"),
        ("url", "/primus/:name", None),
        ("url", "/primus/x?", "must be a path"),
    ],
)
def test_an_option_that_cannot_work_is_refused(
    make_primus: Any, option: str, value: Any, message: str | None
) -> None:
    if message is None:
        make_primus(**{option: value})
        return
    with pytest.raises(OptionError, match=message):
        make_primus(**{option: value})


def test_a_primus_that_has_such_a_member_already_is_left_alone() -> None:
    primus: Any = Primus(
        transformer=MemoryTransformer, plugin={"omega-supreme": None}, password="x"
    )
    primus.plugout("omega-supreme")
    primus.forward = "mine"

    with pytest.raises(PluginError, match="has an attribute 'forward'"):
        primus.use("omega-supreme")

    assert primus.forward == "mine"
    assert "omega-supreme" not in primus.layers
