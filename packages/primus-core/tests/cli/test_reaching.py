"""What is typed on the command line and on standard input, and what a terminal is shown."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import ssl
from typing import Any

import pytest

from primus import PrimusError
from primus.cli.stdin import read_lines
from primus.cli.target import add_target_options, transport_options
from primus.cli.terminal import printable
from primus_testing import eventually


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_target_options(parser)
    return parser.parse_args(["http://host", *arguments])


def test_headers_are_names_and_values_and_nothing_is_given_by_default() -> None:
    assert transport_options(parsed()) == {}
    given = parsed("--header", "Authorization: Bearer a:b", "--header", " X-Empty :")
    assert transport_options(given) == {
        "headers": {"Authorization": "Bearer a:b", "X-Empty": ""},
    }


@pytest.mark.parametrize("header", ["nothing", ": value", "  :value", ""])
def test_a_header_without_a_name_is_refused(header: str) -> None:
    with pytest.raises(PrimusError, match="must be 'NAME: VALUE'"):
        transport_options(parsed("--header", header))


def test_certificates_are_checked_unless_told_otherwise() -> None:
    assert "ssl" not in transport_options(parsed("--header", "a: b"))
    context = transport_options(parsed("--insecure"))["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é\t\n", "plain é\t\n"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\x00\x08\x0b\x1f\x7f\x9f", "\\u0000\\u0008\\u000b\\u001f\\u007f\\u009f"),
        ("\r", "\\u000d"),
        ("\u202eabc\u2066\u200f\u061c", "\\u202eabc\\u2066\\u200f\\u061c"),
        ("\ud800\udfff", "\\ud800\\udfff"),
        ("\u2027\u202f\u2065\u206a\xa0", "\u2027\u202f\u2065\u206a\xa0"),
    ],
)
def test_a_terminal_is_shown_what_it_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


class Input(io.StringIO):
    """Standard input that is a pipe."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def fileno(self) -> int:
        return self._descriptor


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b""], []),
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"one\r\n\r\ntwo"], ["one", "", "two"]),
        ([b"on", b"e\ntw", b"o"], ["one", "two"]),
        ([b"\xc3", b"\xa9\n\xff\n"], ["é", "\ufffd"]),
        ([b"\xc3"], ["\ufffd"]),
    ],
)
async def test_input_is_read_line_by_line_to_its_end(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], lines: list[str]
) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr("sys.stdin", Input(reading))
    told: list[Any] = []
    read_lines(asyncio.get_running_loop(), told.append)
    for piece in pieces:
        os.write(writing, piece)
    os.close(writing)

    await eventually(lambda: told[-1:] == [None])

    assert told == [*lines, None]
    os.close(reading)


def test_a_loop_that_has_been_closed_needs_no_more_input(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr("sys.stdin", Input(reading))
    threads: list[Any] = []
    monkeypatch.setattr("primus.cli.stdin.Thread", lambda **options: Held(threads, **options))
    loop = asyncio.new_event_loop()
    read_lines(loop, print)
    loop.close()
    os.write(writing, b"late\n")
    os.close(writing)

    threads[0]()  # it raises nothing

    os.close(reading)


class Held:
    """A thread that the test runs itself."""

    def __init__(self, threads: list[Any], *, target: Any, **options: Any) -> None:
        self._threads, self._target = threads, target
        assert options["daemon"] is True  # it may not keep the process

    def start(self) -> None:
        self._threads.append(self._target)
