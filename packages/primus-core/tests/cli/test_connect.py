"""What ``primus connect`` makes of messages."""

from __future__ import annotations

from typing import Any

import pytest

from primus import Primus
from primus.cli.connect import say, spoken, understood
from primus_testing import MemoryTransformer, join


@pytest.mark.parametrize(
    ("message", "line"),
    [({"a": ["é"]}, '{"a": ["é"]}'), ("text", "text"), ([b"ab"], "[b'ab']"), ({1, 2}, "{1, 2}")],
)
def test_a_message_is_shown_as_json_or_as_python_has_it(message: Any, line: str) -> None:
    assert spoken(message) == line


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
