"""Each check of an option by itself: the last value it takes, and the first it refuses."""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from primus import option_checks as checks
from primus.errors import OptionError
from primus.recovery import Backoff

LONG = checks.MILLISECONDS


@pytest.mark.parametrize(
    ("check", "value", "taken"),
    [
        (checks.duration, None, None),
        (checks.duration, False, None),
        (checks.duration, 1e-9, 1e-9),
        (checks.duration, 1, 1.0),
        (checks.duration, LONG - 1, LONG - 1.0),
        (checks.duration, math.inf, math.inf),
        (checks.period, 1, 1.0),
        (checks.period, math.inf, math.inf),
        (checks.seconds, 0, 0.0),
        (checks.seconds, 1.5, 1.5),
        (checks.size, 1, 1),
        (checks.count, 0, 0),
        (checks.count, 0.5, 0.5),
        (checks.count, math.inf, math.inf),
        (checks.most, None, None),
        (checks.most, False, None),
        (checks.most, 1, 1),
        (checks.pathname, "a/", "/a"),
        (checks.pathname, "/a/b", "/a/b"),
        (checks.function, None, None),
        (checks.function, len, len),
        (checks.node, None, None),
        (checks.node, "n" * 32, "n" * 32),
        (checks.text, "x", "x"),
        (checks.names, None, ()),
        (checks.names, False, ()),
        (checks.names, "a, b c", ("a", "b", "c")),
        (checks.names, ["a ", "", " "], ("a",)),
        (checks.tls, None, None),
        (checks.tls, True, True),
        (checks.socket_path, "/run/s", "/run/s"),
        (checks.socket_path, Path("/run/s"), Path("/run/s")),
        (checks.subprotocols, None, None),
        (checks.subprotocols, [], []),
        (checks.subprotocols, ("a", "b.c"), ("a", "b.c")),
        (checks.backoff, None, Backoff()),
        (checks.backoff, True, Backoff()),
        (checks.backoff, {}, Backoff()),
        (checks.strategy, None, None),
        (checks.strategy, False, frozenset()),
        (checks.strategy, "Disconnect, online", frozenset({"disconnect", "online"})),
        (checks.strategy, "", None),
    ],
)
def test_what_a_check_takes(check: Callable[..., Any], value: Any, taken: Any) -> None:
    made = check("option", value)
    assert made == taken
    assert type(made) is type(taken)


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (checks.duration, [0, -1, True, "5", math.nan, LONG, LONG * 10]),
        (checks.period, [0, -1, True, False, None, "5", math.nan, LONG]),
        (checks.seconds, [-1e-9, True, False, "5", None, math.nan]),
        (checks.size, [0, -1, True, 1.5, "5", None]),
        (checks.count, [-1e-9, True, "5", None, math.nan]),
        (checks.most, [0, -1, True, 1.5, "5"]),
        (checks.pathname, ["", "/", "//", 5, None, "/a b", "/a?b"]),
        (checks.function, [5, "len"]),
        (checks.node, ["", "n" * 33, "a-b", 5, b"n", "n\n"]),
        (checks.text, ["", 5, None, b"x"]),
        (checks.names, [5, True]),
        (checks.tls, [False, "ssl", 5]),
        (checks.socket_path, ["", b"", None, 5, False]),
        (checks.subprotocols, ["a", [""], ["a b"], [5], {"a": 1}, 5, False]),
        (checks.backoff, [5, False, {"minimum": 1}, {"max": 36_000}]),
        (checks.strategy, ["sometimes", "online, never"]),
    ],
)
def test_what_a_check_refuses_names_the_option(check: Callable[..., Any], values: Any) -> None:
    for value in values:
        with pytest.raises(OptionError, match="option"):
            check("option", value)


def test_an_ssl_context_is_what_tls_is_made_with() -> None:
    context = ssl.create_default_context()
    assert checks.tls("ssl", context) is context


def test_what_must_be_milliseconds_says_how_many_seconds_those_are() -> None:
    with pytest.raises(OptionError, match=f"{LONG} milliseconds are option={LONG / 1000:g}"):
        checks.duration("option", LONG)


def test_only_what_can_be_disabled_is_said_to_be_by_false() -> None:
    with pytest.raises(OptionError, match=r"and False disables it$"):
        checks.duration("option", LONG)
    with pytest.raises(OptionError, match=r"milliseconds are option=[\d.]+$"):
        checks.period("option", LONG)


def test_a_handler_takes_the_request_and_no_callback() -> None:
    def none() -> None:
        """Takes nothing."""

    def one(request: Any) -> None:
        """Takes the request."""

    def optional(request: Any, more: Any = None) -> None:
        """Takes the request, and something of its own."""

    def two(request: Any, done: Any) -> None:
        """Wants a callback."""

    for fits in (None, one, optional, lambda *args: None):
        assert checks.authorization("authorization", fits) is fits
    with pytest.raises(OptionError, match="it takes no argument, and gets the request"):
        checks.authorization("authorization", none)
    with pytest.raises(OptionError, match="There is no callback: refuse by raising Unauthorized"):
        checks.authorization("authorization", two)


def test_an_option_that_is_not_known_may_be_a_misspelling_or_of_a_plugin() -> None:
    told = checks.unknown("timeuot", ["timeout", "parser"])
    assert told == "unknown option 'timeuot'. Did you mean 'timeout'? Options: parser, timeout"
    told = checks.unknown("rooms", ["timeout"], "rooms")
    assert "add 'rooms' to the option 'plugin'" in told
    assert "Did you mean" not in checks.unknown("xyz", ["timeout"])


def test_an_option_that_is_not_known_may_be_an_argument_or_not_needed() -> None:
    told = checks.unknown("hosts", ["methods"], arguments=["port", "host"])
    assert told == (
        "unknown option 'hosts'. Did you mean 'host'? Options: methods. Arguments of "
        "create_server: host, port"
    )
    told = checks.unknown("port", ["transport"])
    assert "It is an argument of Primus.create_server" in told
    assert "Did you mean" not in told
    told = checks.unknown("iknowclusterwillbreakconnections", ["iknowhttpsisbetter"])
    assert "leave it out" in told
