"""The client half in Python, by the steps that client.test.js runs with the one of browsers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from primus_recovery.sockets import Comeback
from primus_testing import ManualClock

SCENARIOS = json.loads((Path(__file__).parent / "golden" / "client.json").read_text("utf-8"))


class Client:
    """A socket, as far as the plugin knows one."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.carried: dict[str, str] = {}
        self.log: list[Any] = []
        self._listeners: dict[str, Callable[..., Any]] = {}
        self.recovered: Any = None
        self.hold_messages = lambda holder: self.log.append(["held"])
        self.release_messages = lambda holder: self.log.append(["released"])
        self.send_first = lambda: None
        self.send_control = lambda name, value: self.log.append(["sent", name, value])
        self.send_again = lambda frame: self.log.append(["again", frame])
        self.dispatch = lambda event, *args: self.log.append(["event", event, *args])
        self.comeback = Comeback(self)

    def transform(self, direction: str, fn: Any) -> None:
        assert direction == "incoming"
        self.handle = fn

    def on(self, event: str, fn: Any) -> None:
        self._listeners[event] = fn

    def step(self, step: dict[str, Any]) -> None:
        match step:
            case {"do": event}:
                self._listeners[event]()
            case {"control": [name, value]}:
                assert self.comeback.take(name, value)
            case {"messages": count}:
                for _ in range(count):
                    assert self.handle(None, self) is None
            case {"written": frames}:
                for frame in frames:
                    self._listeners["outgoing::message"](frame)
            case {"wait": seconds}:
                self.clock.advance(seconds)


@pytest.mark.parametrize("name", SCENARIOS)
def test_golden(name: str) -> None:
    client = Client()
    for step in SCENARIOS[name]:
        client.log.clear()
        client.step(step)
        assert client.log == step["log"], step
        assert client.comeback._tracker.query == step["query"], step


def test_what_a_stream_above_the_client_gets_is_not_counted() -> None:
    client = Client()
    client.handle(None, object())
    assert client.comeback._tracker.acks.handled == 0


def test_a_verdict_of_any_depth_is_taken_or_passed_over() -> None:
    client = Client()
    assert client.comeback.take("recovered", "[" * 100_000)
    assert client.log == []


def test_other_words_are_those_of_other_plugins() -> None:
    assert not Client().comeback.take("word", "x")
