"""The client half in Python, by the steps that client.test.js runs with the one of browsers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from primus_presence import Rosters

SCENARIOS = json.loads((Path(__file__).parent / "golden" / "client.json").read_text("utf-8"))


class Client:
    """A socket, as far as the plugin knows one."""

    def __init__(self) -> None:
        self.carried: dict[str, str] = {}
        self.log: list[Any] = []
        self.presence = Rosters(self)

    def on(self, event: str, fn: Any) -> None:
        """Add a listener; these steps are all of one connection."""

    def dispatch(self, event: str, *args: Any) -> None:
        self.log.append([event.removeprefix("presence "), *args])


@pytest.mark.parametrize("name", SCENARIOS)
def test_golden(name: str) -> None:
    client = Client()
    for step in SCENARIOS[name]:
        client.log.clear()
        client.presence.take(step["control"])
        assert client.log == step["log"], step
        assert client.presence.members("a") == step["members"], step
        assert client.presence.count("a") == step["count"], step


def test_a_client_shows_that_it_has_the_plugin() -> None:
    assert Client().carried == {"_presence": "1"}


def test_a_client_keeps_a_thousand_rooms() -> None:
    client = Client()
    for number in range(1001):
        client.presence.take(f'{{"room":"{number}","count":1}}')
    assert len(client.presence.rooms) == 1000


def test_what_a_listener_gets_is_its_own() -> None:
    client = Client()
    client.presence.take('{"room":"a","count":1,"state":{"ann":1}}')
    client.log[0][2].clear()
    client.presence.members("a").clear()  # type: ignore[union-attr]
    assert client.presence.members("a") == {"ann": 1}
