import inspect
import math
from collections.abc import Callable
from dataclasses import fields
from ipaddress import ip_network
from typing import Any, get_type_hints

import pytest

import primus
from primus import OptionError, Primus
from primus.client.options import ClientOptions, client_options
from primus.client.socket import PROFILE_OPTIONS
from primus.heartbeat import Generation
from primus.option_checks import ARGUMENTS, TLS
from primus.options import ServerOptions, plugin_names, server_options
from primus.recovery import Backoff

MakePrimus = Callable[..., Primus]


def server(**given: Any) -> ServerOptions:
    return server_options(given, {})


def client(**given: Any) -> ClientOptions:
    return client_options(given)


def test_the_defaults_of_a_server_are_those_of_primus() -> None:
    options = server()
    assert options.pathname == "/primus"
    assert (options.parser, options.transformer) == ("json", "websockets")
    assert (options.timeout, options.ping_interval) == (35.0, 30.0)
    assert options.origins == ("*",)
    assert options.methods == ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")
    assert options.credentials is True
    assert options.max_age == 30 * 24 * 3600
    assert options.max_length == options.high_water == 1 << 20
    assert options.slow_consumer == "disconnect"
    assert ip_network("127.0.0.0/8") in options.trusted_proxies
    assert options.compression is False


def test_the_defaults_of_a_client_are_those_of_primus() -> None:
    options = client()
    assert options.reconnect == Backoff(math.inf, 0.5, 10, 30.0, 2)
    assert (options.timeout, options.ping, options.pong) == (10.0, 25.0, 10.0)
    assert options.ping_timeout == 45.0
    assert options.strategy is None
    assert options.manual is False
    assert options.queue_size == math.inf


@pytest.mark.parametrize(("given", "limit"), [(None, None), (False, None), (1, 1), (5000, 5000)])
def test_the_number_of_sparks_may_have_a_limit(given: Any, limit: int | None) -> None:
    assert server(max_sparks=given).limits().max_sparks == limit


@pytest.mark.parametrize("value", [0, -1, True, 2.5, "many"])
def test_a_number_of_sparks_that_cannot_work_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"max_sparks=.*: must be a whole number > 0, or None"):
        server(max_sparks=value)


@pytest.mark.parametrize(
    ("name", "closest"),
    [("pathnam", "pathname"), ("pingInterval", "ping_interval"), ("maxLength", "max_length")],
)
def test_an_unknown_option_names_the_closest_one_and_all_others(name: str, closest: str) -> None:
    with pytest.raises(OptionError) as caught:
        server(**{name: 1})
    message = str(caught.value)
    assert message.startswith(f"unknown option {name!r}. Did you mean {closest!r}? Options: ")
    for option in ServerOptions.__annotations__:
        assert option in message or option == "extra"


def test_an_unknown_option_that_resembles_nothing_lists_the_others() -> None:
    with pytest.raises(OptionError, match=r"^unknown option 'zzzzzz'\. Options: "):
        client(zzzzzz=1)


def test_a_primus_refuses_an_unknown_option(make_primus: MakePrimus) -> None:
    with pytest.raises(OptionError, match="Did you mean 'ping_interval'"):
        make_primus(pinginterval=1)


def test_an_unknown_reconnect_option_is_named() -> None:
    with pytest.raises(OptionError, match=r"reconnect: unknown option 'minimum'"):
        client(reconnect={"minimum": 1})


@pytest.mark.parametrize("name", ["timeout", "ping_interval", "handshake_timeout"])
def test_durations_are_seconds_or_disabled(name: str) -> None:
    assert getattr(server(**{name: 5}), name) == 5.0
    assert getattr(server(**{name: None}), name) is None
    assert getattr(server(**{name: False}), name) is None
    for wrong in (0, -1, True, "5", math.nan):
        with pytest.raises(OptionError, match=rf"^{name}=.*: must be seconds > 0, or False"):
            server(**{name: wrong})


@pytest.mark.parametrize("name", ["max_length", "high_water"])
@pytest.mark.parametrize("wrong", [0, -1, 1.5, "1", True, None])
def test_sizes_are_whole_numbers_of_bytes(name: str, wrong: Any) -> None:
    assert getattr(server(**{name: 5}), name) == 5
    with pytest.raises(OptionError, match=f"{name}=.*whole number of bytes"):
        server(**{name: wrong})


@pytest.mark.parametrize(
    ("given", "pathname"),
    [("/primus", "/primus"), ("primus/", "/primus"), ("/a/b/", "/a/b")],
)
def test_a_pathname_gets_its_leading_slash_and_loses_the_trailing_one(
    given: str, pathname: str
) -> None:
    assert server(pathname=given).pathname == pathname


@pytest.mark.parametrize("wrong", ["", "/", "/a?b", "/a#b", "/{x}", "/a b", None, 7])
def test_a_pathname_that_is_no_path_is_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match="must be a path below the root"):
        server(pathname=wrong)


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("*", ("*",)),
        ("http://a.example, http://b.example", ("http://a.example", "http://b.example")),
        (["http://a.example"], ("http://a.example",)),
        (False, ()),
        (None, ()),
        ("", ()),
    ],
)
def test_lists_of_names_come_as_text_list_or_nothing(given: Any, origins: Any) -> None:
    assert server(origins=given).origins == origins


def test_a_list_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="headers=7: must be"):
        server(headers=7)


def test_methods_are_upper_case() -> None:
    assert server(methods="get, Post").methods == ("GET", "POST")


def test_trusted_proxies_are_networks() -> None:
    trusted = server(trusted_proxies="10.1.2.3/8, ::1").trusted_proxies
    assert trusted == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert server(trusted_proxies=None).trusted_proxies == ()
    with pytest.raises(OptionError, match="trusted_proxies='localhost'"):
        server(trusted_proxies="localhost")


def test_heartbeats_are_of_one_generation_or_the_other() -> None:
    assert server(heartbeat="legacy").heartbeat is Generation.LEGACY
    assert server(heartbeat="auto").heartbeat is Generation.UNKNOWN
    with pytest.raises(OptionError, match='must be "auto", "legacy" or "modern"'):
        server(heartbeat="old")


def test_a_slow_consumer_is_treated_in_one_of_three_ways() -> None:
    assert server(slow_consumer="drop").slow_consumer == "drop"
    with pytest.raises(OptionError, match='must be "disconnect", "drop" or "buffer"'):
        server(slow_consumer="kill")


@pytest.mark.parametrize("name", ["authorization", "id_generator"])
def test_functions_are_callable(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name}=7: must be callable"):
        server(**{name: 7})


@pytest.mark.parametrize(
    ("given", "strategy"),
    [
        (None, None),
        (False, frozenset()),
        ("disconnect, ONLINE", {"disconnect", "online"}),
        (["Timeout"], {"timeout"}),
    ],
)
def test_a_strategy_comes_in_all_spellings(given: Any, strategy: Any) -> None:
    assert client(strategy=given).strategy == strategy


def test_a_strategy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(OptionError, match="may name disconnect, online, timeout, or be False"):
        client(strategy="sometimes")


@pytest.mark.parametrize("given", [None, True, {}, Backoff()])
def test_reconnect_options_may_be_left_out(given: Any) -> None:
    assert client(reconnect=given).reconnect == Backoff()


def test_options_of_plugins_are_kept_apart() -> None:
    options = server_options({"colour": "red"}, {"colour": "blue", "size": 1})
    assert options.extra == {"colour": "red", "size": 1}
    assert client_options({"colour": "red"}, ["colour"]).extra == {"colour": "red"}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, {}),
        ("rooms, emit", {"rooms": None, "emit": None}),
        ("rooms emit", {"rooms": None, "emit": None}),
        (["rooms"], {"rooms": None}),
        ({"mine": print, "other": "rooms"}, {"mine": print, "other": "rooms"}),
    ],
)
def test_plugins_are_named_in_several_ways(given: Any, names: Any) -> None:
    assert plugin_names(given) == names


@pytest.mark.parametrize("wrong", [7, [print], object()])
def test_plugins_that_are_not_named_are_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match='must be "a, b", a list of names, or a mapping'):
        plugin_names(wrong)


def test_authorization_without_listed_origins_is_warned_of(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    make_primus(authorization=lambda request: None)
    assert "any page on the web" in caplog.text
    caplog.clear()
    make_primus(authorization=lambda request: None, origins="http://example.com")
    make_primus()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("transport", "problem"),
    [
        (None, "transport=None: must be a mapping"),
        ({"headers": "X-One: 1"}, "must be a mapping"),
        ({"headers": {"X One": "1"}}, "'X One' is no name of a header"),
        ({"headers": {"": "1"}}, "'' is no name of a header"),
        ({"headers": {"X-One\r\nX-Two": "1"}}, "is no name of a header"),
        ({"headers": {1: "1"}}, "1 is no name of a header"),
        ({"headers": {"X-One": "1\r\nX-Two: 2"}}, "the value of 'X-One' must be a text"),
        ({"headers": {"X-One": "\x00"}}, "the value of 'X-One' must be a text"),
        ({"headers": {"X-One": "\ud800"}}, "the value of 'X-One' must be a text"),
        ({"headers": {"X-One": 1}}, "the value of 'X-One' must be a text"),
        ({"headers": {"X-One": b"1"}}, "the value of 'X-One' must be a text"),
        ({"ssl": False}, r"transport\['ssl'\]=False: must be an ssl.SSLContext"),
        ({"ssl": "yes"}, "must be an ssl.SSLContext"),
        ({"unix": ""}, "must be the path of a socket"),
        ({"unix": 5}, "must be the path of a socket"),
        ({"close_timeout": "soon"}, "must be seconds >= 0"),
        ({"subprotocols": "chat"}, "must be a list of names"),
        ({"subprotocols": ["a b"]}, "must be a list of names"),
        ({"subprotocols": [1]}, "must be a list of names"),
    ],
)
def test_a_transport_option_of_a_client_that_cannot_work_is_refused(
    transport: Any, problem: str
) -> None:
    with pytest.raises(OptionError, match=problem):
        client(transport=transport)


@pytest.mark.parametrize("value", [-1, True, "1", None, float("nan")])
def test_a_number_of_seconds_that_cannot_work_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"max_age=.*: must be seconds >= 0"):
        server(max_age=value)


@pytest.mark.parametrize("value", [-1, True, "1", None])
def test_a_length_of_the_queue_that_cannot_work_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"queue_size=.*: must be a number >= 0"):
        client(queue_size=value)


@pytest.mark.parametrize("value", ["", None, 1])
def test_a_global_name_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"global_name=.*: must be a non-empty text"):
        server(global_name=value)


def test_a_transport_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(OptionError, match=r"transport=.*: must be a mapping"):
        server(transport=["close_timeout"])


def test_transport_options_of_a_client_that_work_are_kept() -> None:
    given = {
        "close_timeout": 1,
        "headers": {"X-One": "1", "X-Two": "2"},
        "ssl": True,
        "subprotocols": ["a", "b"],
        "unix": "/run/primus.sock",
        "of a transformer alone": object(),
    }

    assert client(transport=given).transport == given


def test_reconnect_options_may_be_made_before_or_come_as_a_mapping() -> None:
    backoff = Backoff(retries=3)

    assert client(reconnect=backoff).reconnect is backoff
    assert client(reconnect={"retries": 3}).reconnect == backoff


def test_numbers_and_texts_that_work_are_kept() -> None:
    assert client(queue_size=10).queue_size == 10
    assert server(global_name="Mine").global_name == "Mine"


def test_every_option_of_a_server_has_a_type_for_editors_and_no_other() -> None:
    checked = {*ServerOptions.__annotations__} - {"extra"}

    assert set(get_type_hints(primus.ServerOptions)) == checked
    assert set(get_type_hints(primus.ListenOptions)) == checked | set(TLS)


def test_every_argument_of_create_server_is_one_that_messages_know() -> None:
    named = {*inspect.signature(Primus.create_server).parameters} - {"options"}

    assert {*ARGUMENTS} == named | {*TLS}


def test_every_option_of_a_client_has_a_type_for_editors_and_no_other() -> None:
    checked = {option.name for option in fields(ClientOptions)} - {"extra"}

    assert set(get_type_hints(primus.ClientOptions)) == checked | set(PROFILE_OPTIONS)
    assert set(get_type_hints(primus.ReconnectOptions)) == {f.name for f in fields(Backoff)}
