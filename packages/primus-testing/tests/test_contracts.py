"""The contracts find what they are there to find."""

from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus, hookimpl
from primus.parsers.json import JSONParser
from primus_testing import ParserContract, PluginContract, Tracebacks


class Later:
    """A parser that is async."""

    name = "later"

    async def encode(self, value: Any) -> str:
        return JSONParser().encode(value)

    async def decode(self, frame: Any) -> Any:
        return JSONParser().decode(frame)


class TestAsyncParser(ParserContract):
    parser = Later()
    golden = (([1], "[1]"),)
    undecodable = ("[",)
    unencodable = (object(),)


class Fine:
    @hookimpl
    def primus_setup(self, primus: Primus) -> None:
        primus.on("connection", lambda spark: None)


class TestPlugin(PluginContract):
    plugin = Fine()


class Leaves(Fine):
    """A plugin that leaves something behind, where the server cannot see it come."""

    @hookimpl
    def primus_teardown(self, primus: Primus) -> None:
        primus.on("connection", print)
        primus.mark = 1  # type: ignore[attr-defined]


class Raises(Fine):
    """A plugin that cannot cope with every message."""

    @hookimpl
    def primus_incoming(self, primus: Primus) -> Any:
        return lambda packet, spark: packet.data["type"] and None


class Shared(Fine):
    """A plugin that does to every server what it should do to one."""

    @hookimpl
    def primus_setup(self, primus: Primus) -> None:
        Primus.shared = 1  # type: ignore[attr-defined]


def contract(plugin: object) -> PluginContract:
    made = PluginContract()
    made.plugin = plugin  # type: ignore[misc]
    return made


async def test_a_plugin_that_leaves_something_behind_is_found(tracebacks: Tracebacks) -> None:
    with pytest.raises(AssertionError):
        await contract(Leaves()).test_plugging_it_out_restores_the_server_exactly(tracebacks)


async def test_a_plugin_that_raises_for_a_message_is_found(tracebacks: Tracebacks) -> None:
    with pytest.raises(AssertionError):
        await contract(Raises()).test_plain_messages_pass_unchanged(tracebacks)


@pytest.mark.parametrize(
    ("encode", "decode", "test"),
    [
        (lambda value: "1", JSONParser().decode, "test_json_values_come_back_as_they_went"),
        (JSONParser().encode, lambda frame: 1 / 0, "test_what_cannot_be_decoded_is_an_error"),
        (lambda value: b"1", JSONParser().decode, "test_frames_are_text_or_bytes_as_announced"),
        (lambda value: "", lambda frame: None, "test_control_messages_pass"),
    ],
)
def test_a_parser_that_does_not_keep_its_word_is_found(
    encode: Callable[[Any], Any], decode: Callable[[Any], Any], test: str
) -> None:
    class Broken:
        pass

    made = ParserContract()
    broken = Broken()
    broken.encode, broken.decode = encode, decode  # type: ignore[attr-defined]
    made.parser = broken  # type: ignore[misc,assignment]
    made.undecodable = ("[",)  # type: ignore[misc]
    name = next(name for name in dir(ParserContract) if name.startswith(test))
    with pytest.raises((AssertionError, ZeroDivisionError)):
        getattr(made, name)()
