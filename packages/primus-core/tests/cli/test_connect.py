"""What ``primus connect`` makes of messages."""

from __future__ import annotations

from typing import Any

import pytest

from primus import JSON, Primus
from primus.cli.connect import say, spoken, tell, understood
from primus_testing import MemoryTransformer, join


@pytest.mark.parametrize(
    ("message", "line"),
    [({"a": ["é"]}, '{"a": ["é"]}'), ("text", "text"), ([b"ab"], "[b'ab']"), ({1, 2}, "{1, 2}")],
)
def test_a_message_is_shown_as_json_or_as_python_has_it(message: Any, line: str) -> None:
    assert spoken(message) == line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("a\u202eb\u2066c\u200f\u2028", r"a\u202eb\u2066c\u200f\u2028"),
        ("\x1b]52;c;ZXZpbA==\x07 \x9b2J\x7f\r", r"\u001b]52;c;ZXZpbA==\u0007 \u009b2J\u007f\u000d"),
        ({"a": "\x9b2J"}, r'{"a": "\u009b2J"}'),
        ("\ud800", r"\ud800"),
        ("two\n\tlines é", "two\n\tlines é"),
    ],
)
def test_a_terminal_does_not_obey_what_a_message_holds(message: Any, line: str) -> None:
    assert spoken(message) == line


async def test_a_terminal_does_not_obey_what_a_server_says_of_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    connection, _ = join(Primus(transformer=MemoryTransformer))
    say(connection, "primus::\x1b[2J\x9b")
    tell("its id is \x1b[2J")
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\x9b" not in said
    assert r"its id is \u001b[2J" in said


@pytest.mark.parametrize("inside", [1, b"bytes"])
def test_a_message_that_is_nested_too_deeply_is_shown_without_its_content(inside: Any) -> None:
    message = inside
    for _ in range(50_000):
        message = [message]
    assert "nested too deeply" in spoken(message)
    while isinstance(message, list):
        message = message.pop()


def test_a_typed_line_is_json_or_text() -> None:
    assert understood('{"a": 1}') == {"a": 1}
    assert understood("hello") == "hello"
    assert understood("[" * 50_000) == "[" * 50_000


async def test_a_typed_line_that_peers_would_obey_is_told_and_not_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    connection, wire = join(Primus(transformer=MemoryTransformer))
    say(connection, "primus::server::close")
    say(connection, "hello")
    assert "Send it within something" in capsys.readouterr().err
    assert wire.sent == ['"hello"']


class Picky(JSON):
    """A parser that has no form for some texts, as MessagePack has none for lone surrogates."""

    def encode(self, value: object) -> str:
        raise ValueError("not this one")


async def test_a_typed_line_that_cannot_be_encoded_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    connection, wire = join(Primus(transformer=MemoryTransformer, parser=Picky()))
    say(connection, "hello")
    assert "cannot encode data: str: not this one" in capsys.readouterr().err
    assert wire.sent == []
