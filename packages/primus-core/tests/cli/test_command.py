"""``primus connect`` and ``primus spec``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from primus.cli.connect import spoken, understood

DEADLINE = 20.0

Command = Callable[..., Awaitable[tuple[object, str, str]]]


@pytest.fixture
def command(run: Any, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``primus`` in a thread, with some input: its exit code, output and errors."""

    async def command(*arguments: str, typed: str = "") -> tuple[object, str, str]:
        reading, writing = os.pipe()
        os.write(writing, typed.encode())
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            told: tuple[object, str, str] = await asyncio.to_thread(run, *arguments)
            for thread in threading.enumerate():
                if thread.name == "primus-input":
                    thread.join()  # it has no more to read than the end
            return told

    return command


def echo(primus: Any) -> None:
    @primus.on("connection")
    def connection(spark: Any) -> None:
        @spark.on("data")
        def data(message: Any) -> None:
            spark.write(message)
            if message == "enough":
                spark.end()


async def test_lines_are_sent_and_messages_appear(primus_server: Any) -> None:
    running = await primus_server()
    echo(running.primus)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "primus", "connect", running.url),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )

    async with asyncio.timeout(DEADLINE):
        out, err = await process.communicate(
            'hello\n\n{"a": [1, null]}\n"Grüße"\nenough\n'.encode()
        )

    output, errors = out.decode(), err.decode()
    assert process.returncode == 0
    assert output == 'hello\n{"a": [1, null]}\nGrüße\nenough\n'
    assert "connected to" in errors
    assert "the connection has ended" in errors


async def test_every_message_can_be_printed_as_json(command: Command, primus_server: Any) -> None:
    running = await primus_server()
    echo(running.primus)

    _, output, _ = await command("connect", running.url, "--json", typed="hello\nenough")

    assert output == '"hello"\n"enough"\n'


async def test_the_end_of_the_input_ends_the_connection(
    command: Command, primus_server: Any
) -> None:
    running = await primus_server()

    code, _, errors = await command("connect", running.url, "--wait", "0", typed="hello\n")

    assert code == 0
    assert "has ended" not in errors


async def test_headers_are_sent(command: Command, primus_server: Any) -> None:
    running = await primus_server()
    seen: list[str | None] = []
    running.primus.on("connection", lambda spark: seen.append(spark.headers.get("X-Custom")))

    await command("connect", running.url, "--header", "X-Custom: yes", "--wait", "0")

    assert seen == ["yes"]


async def test_a_header_without_a_colon_is_refused(command: Command) -> None:
    code, _, errors = await command("spec", "http://localhost", "--header", "X-Custom")

    assert code == 2
    assert "must be 'NAME: VALUE'" in errors


async def test_a_server_that_is_not_there_is_told_in_one_line(
    command: Command, unused_tcp_port: int
) -> None:
    code, output, errors = await command("connect", f"http://127.0.0.1:{unused_tcp_port}")

    assert (code, output) == (2, "")
    assert errors.startswith("primus connect: ")
    assert errors.count("\n") == 1


async def test_spec_prints_what_the_server_says(command: Command, primus_server: Any) -> None:
    running = await primus_server(timeout=False)

    code, output, _ = await command("spec", running.url)

    assert code == 0
    assert json.loads(output) == running.primus.spec


@pytest.mark.parametrize(
    ("line", "message"),
    [("hello", "hello"), ('"hello"', "hello"), ("1", 1), ("{broken", "{broken"), ("null", None)],
)
def test_a_line_is_json_or_text(line: str, message: Any) -> None:
    assert understood(line) == message


def test_what_has_no_json_is_shown_all_the_same() -> None:
    assert spoken({"a": b"\x00"}) == "{'a': b'\\x00'}"
