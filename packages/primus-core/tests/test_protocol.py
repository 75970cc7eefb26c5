import pytest

from primus.protocol import (
    Close,
    Control,
    Id,
    IdRequest,
    Ignored,
    Ping,
    PluginText,
    Pong,
    Side,
    control,
    escape_separators,
    escape_separators_in_utf8,
    id_reply,
    id_request,
    ping,
    pong,
)


@pytest.mark.parametrize(
    ("side", "text", "expected"),
    [
        (Side.SERVER, "primus::ping::1479980480187", Ping("1479980480187")),
        (Side.SERVER, "primus::ping::any text: at all", Ping("any text: at all")),
        (Side.SERVER, "primus::ping::", Ping("")),
        (Side.SERVER, "primus::pong::12", Pong("12")),
        (Side.SERVER, "primus::id::", IdRequest()),
        (Side.SERVER, "primus::id::whatever", IdRequest()),
        (Side.SERVER, "primus::server::close", Ignored("server")),
        (Side.CLIENT, "primus::ping::12", Ping("12")),
        (Side.CLIENT, "primus::pong::12", Pong("12")),
        (Side.CLIENT, "primus::id::ab::cd", Id("ab::cd")),
        (Side.CLIENT, "primus::server::close", Close()),
        (Side.CLIENT, "primus::server::other", Ignored("server")),
        (Side.SERVER, "primus::", Ignored("")),
        (Side.CLIENT, "primus::new", Ignored("new")),
        (Side.CLIENT, "primus::new::thing", PluginText("new", "thing")),
        (Side.SERVER, "primus::new::a::b", PluginText("new", "a::b")),
        (Side.CLIENT, "primus::new:thing", Ignored("new")),
        (Side.CLIENT, "primus::New::thing", Ignored("New")),
    ],
)
def test_control_text_means(side: Side, text: str, expected: Control) -> None:
    assert control(side, text) == expected


def test_what_control_text_means_is_a_value() -> None:
    assert {Ping("1"), Ping("1"), Pong("1"), Close()} == {Close(), Pong("1"), Ping("1")}
    assert repr(PluginText("new", "thing")) == "PluginText('new', 'thing')"


def test_what_is_sent_is_what_every_primus_understands() -> None:
    assert ping(1479980480187) == "primus::ping::1479980480187"
    assert pong("1479980480187") == "primus::pong::1479980480187"
    assert id_request() == "primus::id::"
    assert id_reply("abc") == "primus::id::abc"


def test_line_separators_become_escapes_and_the_rest_stays() -> None:
    assert escape_separators('"a\u2028b\u2029c\u2028"') == '"a\\u2028b\\u2029c\\u2028"'
    assert escape_separators('"plain\n€"') == '"plain\n€"'


def test_line_separators_become_escapes_in_utf8_too() -> None:
    text = '"a\u2028b\u2029c“€”\u2027\u202a\u2028"'
    assert escape_separators_in_utf8(text.encode()) == escape_separators(text).encode()
