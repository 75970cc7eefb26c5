"""The contracts find what they are there to find."""

import asyncio
from collections.abc import Callable
from functools import cache, partial
from typing import Any, ClassVar

import pytest

from primus import Primus, hookimpl
from primus.arriving import Arriving
from primus.parsers.json import JSONParser
from primus_testing import ParserContract, PluginContract, Tracebacks, eventually, plugins


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


class Keeps(Fine):
    """A plugin that keeps every spark for ever."""

    kept: ClassVar[list[Any]] = []

    @hookimpl
    def primus_connection(self, spark: Any) -> None:
        self.kept.append(spark)


class AddsForEachSpark(Fine):
    """A plugin that adds a listener to the server for each spark."""

    @hookimpl
    def primus_connection(self, spark: Any) -> None:
        number = spark.id
        spark.primus.on("close", lambda: print(number))


class Changes(Fine):
    """A plugin that changes what the application has written."""

    @hookimpl
    def primus_outgoing(self, primus: Primus) -> Any:
        def outgoing(packet: Any, spark: Any) -> None:
            if isinstance(packet.data, dict):
                packet.data["to"] = spark.id

        return outgoing


class Overtakes(Fine):
    """A plugin that lets messages which are none of its own overtake others."""

    @hookimpl
    def primus_overtakes(self, data: Any) -> bool:
        return True


class RaisesWhileOthersWait(Fine):
    """A plugin that cannot cope with every message that might overtake."""

    @hookimpl
    def primus_overtakes(self, data: Any) -> bool:
        return data not in {"two", "three"} and bool(data["answer"])


class Greedy(Fine):
    """A plugin that takes the control messages of others, too."""

    @hookimpl
    def primus_control(self, name: str) -> bool:
        return True


class RaisesForEvents(Fine):
    """A plugin that cannot tell every message from its events."""

    @hookimpl
    def primus_event(self, data: Any) -> Any:
        return Arriving("shout", [data["shout"]], lambda args: {"shout": args[0]}) and None


class PacksAnother(Fine):
    """A plugin that makes another event of an event."""

    @hookimpl
    def primus_event(self, data: Any) -> Any:
        if isinstance(data, list) and len(data) == 1:
            return Arriving("shout", list(data), lambda args: {"shout": args[0]})
        return None


class Sleeps(Fine):
    """A plugin whose task goes on when the plugin is not in use any more."""

    tasks: ClassVar[list[Any]] = []

    @hookimpl
    def primus_setup(self, primus: Primus) -> None:
        self.tasks.append(asyncio.ensure_future(asyncio.Event().wait()))


class Ticks(Fine):
    """A plugin whose timer goes on when the server is destroyed."""

    @hookimpl
    def primus_setup(self, primus: Primus) -> None:
        primus.options.clock.call_later(60.0, print)


@pytest.mark.parametrize(
    ("plugin", "test"),
    [
        (Keeps, "test_a_spark_that_has_gone_is_not_kept"),
        (AddsForEachSpark, "test_a_spark_that_has_gone_is_not_kept"),
        (Changes, "test_what_an_application_writes_stays_as_it_was"),
        (Overtakes, "test_plain_messages_wait_for_a_busy_listener"),
        (Greedy, "test_control_messages_of_other_plugins_reach_them"),
        (RaisesForEvents, "test_its_events_are_those_that_its_messages_make"),
        (PacksAnother, "test_its_events_are_those_that_its_messages_make"),
        (Sleeps, "test_it_leaves_no_task_and_no_timer"),
        (Ticks, "test_it_leaves_no_task_and_no_timer"),
    ],
)
async def test_a_plugin_that_would_hurt_its_users_is_found(
    monkeypatch: pytest.MonkeyPatch, tracebacks: Tracebacks, plugin: type[Fine], test: str
) -> None:
    monkeypatch.setattr(plugins, "eventually", partial(eventually, deadline=0.2))
    with pytest.raises((AssertionError, TypeError, KeyError)):
        await getattr(contract(plugin()), test)(tracebacks)
    for task in Sleeps.tasks:
        task.cancel()


async def test_a_plugin_that_raises_for_a_message_while_others_wait_is_found(
    tracebacks: Tracebacks,
) -> None:
    tracebacks.expect("primus_overtakes")
    await contract(RaisesWhileOthersWait()).test_plain_messages_wait_for_a_busy_listener(tracebacks)


def encoded_in_place(value: Any) -> str:
    """A frame for a value, in which dates have been replaced; here, all that is in objects."""
    if isinstance(value, dict):
        for key in value:
            value[key] = str(value[key])
    return JSONParser().encode(value)


@pytest.mark.parametrize(
    ("encode", "decode", "test"),
    [
        (encoded_in_place, JSONParser().decode, "test_what_is_written_stays_as_it_was"),
        (JSONParser().encode, cache(JSONParser().decode), "test_every_frame_gives_a_value"),
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
