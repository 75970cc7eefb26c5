import math
from typing import Any

import pytest

from primus import OptionError, Primus
from primus_metroplex.options import address_of, settings
from primus_testing import MemoryTransformer


@pytest.mark.parametrize("name", ["interval", "latency"])
@pytest.mark.parametrize("value", [0, -1, True, "5", None, math.inf, math.nan, 300_000])
def test_what_is_no_time_in_seconds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=rf"{name}=.*: must be seconds > 0"):
        settings({name: value})


def test_a_lease_is_longer_than_a_command_may_take() -> None:
    with pytest.raises(OptionError, match=r"latency=2\.0: must be less than interval=2\.0"):
        settings({"interval": 2})


@pytest.mark.parametrize("value", ["", None, 7])
def test_a_namespace_is_a_text(value: Any) -> None:
    with pytest.raises(OptionError, match="namespace="):
        settings({"namespace": value})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("https://example.test/", "https://example.test"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_has_no_path(given: str, meant: str) -> None:
    assert address_of(given) == meant


@pytest.mark.parametrize(
    "value",
    [
        "10.0.0.1:8080",
        "ws://a",
        "http://",
        "http://a/b",
        "http://a?b",
        "http://u:p@a",
        "http://a:x",
        5,
    ],
)
def test_what_is_no_address_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match="where the other servers reach this one"):
        address_of(value)


class Blocking:
    """A client whose commands are not awaited."""

    def execute_command(self) -> None:
        pass


@pytest.mark.parametrize("value", ["localhost", 5, object(), Blocking()])
def test_what_is_no_client_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"must be a client of redis\.asyncio, or a URL"):
        settings({"redis": value})


async def test_a_server_is_not_made_with_an_option_that_cannot_work() -> None:
    with pytest.raises(OptionError, match="interval=0"):
        Primus(transformer=MemoryTransformer, plugin="metroplex", interval=0)
