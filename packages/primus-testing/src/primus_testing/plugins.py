"""What every plugin does: inherit `PluginContract`.

    class TestMine(PluginContract):
        plugin = "mine"

Everything happens on a Primus in memory.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Final, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import primus as primus_package
from primus.arriving import Arriving
from primus.browser import Browser
from primus.errors import PluginError, TransformError
from primus.members import declared, members
from primus.option_types import ServerOptions
from primus.plugins import Ark
from primus.protocol import OWN_NAMES
from primus.registry import PLUGIN, find
from primus.server.install import Snapshot
from primus.server.primus import Primus
from primus.server.spark import Spark
from primus.suggestions import MEMBERS, Kind
from primus_testing.clock import ManualClock
from primus_testing.memory import join
from primus_testing.network import MemoryTransformer
from primus_testing.parser import JSON_VALUES, RELAXED
from primus_testing.recorder import Recorder, eventually
from primus_testing.tracebacks import Tracebacks
from primus_testing.words import Words

__all__ = ["PluginContract"]

EXTENDED: Final[Mapping[str, Kind]] = {
    "primus_extend_spark": "Spark",
    "primus_extend_primus": "Primus",
    "primus_extend_socket": "Socket",
}
"""The hooks that return a class, and what it derives from."""


class PluginContract:
    """Attributes that a subclass sets."""

    plugin: ClassVar[Any]
    """The plugin: a name, or an object with hooks."""

    options: ClassVar[Mapping[str, Any]] = {}
    """Options of the Primus that the plugin is used on."""

    name: ClassVar[str] = "under-test"
    """What the plugin is called when `plugin` is an object."""

    packets: ClassVar[Sequence[Callable[[Any], Any]]] = ()
    """The plugin's own packets: functions that put a value into one of their places."""

    controls: ClassVar[Sequence[str]] = ()
    """The names of the plugin's control messages, for a plugin with ``primus_control``."""

    # -- the contract

    def test_its_hooks_are_valid(self) -> None:
        """Every function marked ``@hookimpl`` is a hook, with arguments that it gets."""
        Ark().add(self._name, self._plugin)

    @pytest.mark.asyncio
    async def test_it_is_used_by_option_and_by_use(self, tracebacks: Tracebacks) -> None:
        """Both ways lead to the same."""
        by_option = self._primus(plugin={self._name: self._plugin}, **self.options)
        assert by_option.plugin(self._name) is self._plugin
        assert list(by_option.ark) == [self._name]
        await by_option.destroy()

    @pytest.mark.asyncio
    async def test_it_cannot_be_used_twice(self, tracebacks: Tracebacks) -> None:
        """The second use is refused, and the first one stays."""
        primus = self._used()
        with pytest.raises(PluginError, match="in use already"):
            primus.use(self._name, self._plugin)
        assert primus.plugin(self._name) is self._plugin
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_plugging_it_out_restores_the_server_exactly(
        self, tracebacks: Tracebacks
    ) -> None:
        """Listeners, layers, transforms, reserved names and attributes are as before."""
        primus = self._used()
        primus.plugout(self._name)
        before = Snapshot.of(primus)
        primus.use(self._name, self._plugin)
        assert primus.plugout(self._name) is True
        assert Snapshot.of(primus) == before
        assert self._name not in primus.ark
        assert primus.plugout(self._name) is False
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_it_can_be_used_again_after_it_was_plugged_out(
        self, tracebacks: Tracebacks
    ) -> None:
        """And then does the same."""
        primus = self._used()
        first = Snapshot.of(primus)
        primus.plugout(self._name)
        primus.use(self._name, self._plugin)
        assert set(Snapshot.of(primus).spark) == set(first.spark)
        assert [layer.name for layer in primus.layers] == [layer.name for layer in first.layers]
        await self._echoes(primus)
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_two_servers_use_it_independently(self, tracebacks: Tracebacks) -> None:
        """What it does to one server does not show on the other."""
        other = self._primus()
        before = Snapshot.of(other)
        primus = self._used()
        assert Snapshot.of(other) == before
        await primus.destroy()
        await other.destroy()

    @pytest.mark.asyncio
    async def test_plain_messages_pass_unchanged(self, tracebacks: Tracebacks) -> None:
        """What is none of its business is left alone, in both directions."""
        primus = self._used()
        await self._echoes(primus)
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_broadcasts_reach_every_spark(self, tracebacks: Tracebacks) -> None:
        """A broadcast is no business of most plugins."""
        primus = self._used()
        wires = [join(primus)[1] for _ in range(3)]
        primus.write("to all")
        for wire in wires:
            await eventually(lambda wire=wire: '"to all"' in wire.sent)  # type: ignore[misc]
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_what_an_application_writes_stays_as_it_was(self, tracebacks: Tracebacks) -> None:
        """A transform gives ``packet.data`` another value, and does not change the one in it.

        That value is the application's, and with a broadcast it is the same for every spark.
        """
        primus = self._used()
        sparks = [join(primus)[0] for _ in range(2)]
        message = {"text": "to all", "items": [1, {"deep": None}]}
        for written in (message, [message, message["items"]]):
            before = deepcopy(written)
            primus.write(written, to=sparks)
            for spark in sparks:
                spark.write(written)
            await self._written(sparks)
            assert written == before
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_plain_messages_wait_for_a_busy_listener(self, tracebacks: Tracebacks) -> None:
        """``primus_overtakes`` is for the plugin's own answers, and raises for no message."""
        primus = self._used()
        spark, wire = join(primus)
        gate, steps = asyncio.Event(), list[str]()

        @spark.on("data")
        async def data(message: Any) -> None:
            if message in ("one", "two", "three"):
                steps.append(f"begins {message}")
                await gate.wait()
                steps.append(f"ends {message}")

        wire.receive('"one"')
        await eventually(lambda: steps == ["begins one"])
        wire.receive('"two"', *[await self._encoded(primus, each) for each in self._surprises(7)])
        wire.receive('"three"')
        gate.set()
        await eventually(lambda: len(steps) == 6)
        assert steps == [
            f"{what} {n}" for n in ("one", "two", "three") for what in ("begins", "ends")
        ]
        await primus.destroy()

    @pytest.mark.asyncio
    @settings(RELAXED, max_examples=50)
    @given(value=JSON_VALUES)
    async def test_its_events_are_those_that_its_messages_make(
        self, tracebacks: Tracebacks, value: Any
    ) -> None:
        """``primus_event`` raises for no message, and what it packs is that event again."""
        primus = self._used()
        spark, _ = join(primus)
        assert spark.arriving("hello") == []
        for surprise in self._surprises(value):
            for found in spark.arriving(surprise):
                assert isinstance(found, Arriving)
                again = [
                    (each.event, each.args) for each in spark.arriving(found.packed(found.args))
                ]
                assert (found.event, found.args) in again
        await primus.destroy()

    @pytest.mark.asyncio
    @settings(RELAXED, max_examples=50)
    @given(value=JSON_VALUES)
    async def test_no_message_makes_it_raise(self, tracebacks: Tracebacks, value: Any) -> None:
        """Whatever a peer sends, ``null`` and other surprises included."""
        primus = self._used()
        spark, wire = join(primus)
        errors = Recorder(spark, "error")
        for surprise in self._surprises(value):
            wire.receive(await self._encoded(primus, surprise))
        wire.receive(await self._encoded(primus, "primus::id::"))
        await eventually(lambda: wire.sent)
        failed = [error for (error,) in errors.seen("error") if isinstance(error, TransformError)]
        assert failed == []
        await primus.destroy()

    @pytest.mark.asyncio
    @settings(RELAXED, max_examples=10)
    @given(value=JSON_VALUES)
    async def test_no_message_makes_its_python_client_raise(
        self, tracebacks: Tracebacks, value: Any
    ) -> None:
        """Whatever a server sends."""
        primus = self._used()
        socket = primus.Socket("http://memory")
        errors = Recorder(socket, "open", "error", "data")
        await errors.next("open")
        (spark,) = primus
        for surprise in self._surprises(value):
            spark.relay(await self._encoded(primus, surprise), {})
        spark.relay(await self._encoded(primus, "at last"), {})
        await eventually(lambda: ("at last",) in [args[:1] for args in errors.seen("data")])
        failed = [error for (error,) in errors.seen("error") if isinstance(error, TransformError)]
        assert failed == []
        socket.destroy()
        await primus.destroy()

    @pytest.mark.asyncio
    @settings(RELAXED, max_examples=10)
    @given(value=st.text() | st.integers().map(str))
    async def test_no_control_message_makes_it_raise(
        self, tracebacks: Tracebacks, value: str
    ) -> None:
        """Whatever either side sends, and in whatever order."""
        primus = self._used()
        socket = primus.Socket("http://memory")
        await socket.opened()
        (spark,) = primus
        for connection in (spark, socket):
            for name in (*self.controls, "unheard-of", *self.controls):
                connection.send_control(name, value)
        assert await socket.id() == spark.id
        socket.destroy()
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_a_peer_without_it_gets_no_control_message_but_those_of_the_core(
        self, tracebacks: Tracebacks
    ) -> None:
        """Primus for Node gives control messages that it does not know to ``data`` listeners."""
        primus = self._used()
        spark, wire = join(primus)
        spark.heartbeat()
        await self._echoes(primus)
        primus.write("to all")
        await eventually(lambda: '"to all"' in wire.sent)
        spark.end()
        texts = [
            text for frame in wire.sent if isinstance(text := primus.parser.decode(frame), str)
        ]
        named = {text.split("::")[1] for text in texts if text.startswith("primus::")}
        assert named <= OWN_NAMES
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_control_messages_of_other_plugins_reach_them(
        self, tracebacks: Tracebacks
    ) -> None:
        """``primus_control`` takes the plugin's own messages, and answers `False` to others."""
        primus = self._used()
        words = Words()
        primus.use("words", words)
        socket = primus.Socket("http://memory")
        await socket.opened()
        (spark,) = primus
        spark.send_control("word", "down")
        socket.send_control("word", "up")
        await eventually(
            lambda: ("word", "up") in words.heard and ("word", "down") in words.heard_by_socket
        )
        socket.destroy()
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_a_spark_that_has_gone_is_not_kept(self, tracebacks: Tracebacks) -> None:
        """Neither the spark nor anything that was added to the server for it: servers live long."""
        primus = self._used()
        before = _installed(primus)
        gone = []
        for _ in range(3):
            spark, wire = join(primus)
            gone.append(weakref.ref(spark))
            wire.receive('"hello"')
            wire.lose()
            await eventually(lambda spark=spark: spark.ready_state == 2)  # type: ignore[misc]
            del spark, wire
        await eventually(lambda: gc.collect() >= 0 and not any(each() for each in gone))
        assert _installed(primus) == before
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_it_leaves_no_task_and_no_timer(self, tracebacks: Tracebacks) -> None:
        """When it is plugged out its tasks have ended, and with the server its timers."""
        before = asyncio.all_tasks()
        clock = ManualClock()
        primus = self._primus(clock=clock, plugin={self._name: self._plugin}, **self.options)
        spark, wire = join(primus)
        wire.receive('"hello"')
        wire.lose()
        await eventually(lambda: spark.ready_state == 2)
        primus.plugout(self._name)
        await eventually(lambda: asyncio.all_tasks() <= before)
        await primus.destroy()
        assert clock.pending == 0

    @pytest.mark.asyncio
    async def test_sparks_that_come_and_go_leave_nothing(self, tracebacks: Tracebacks) -> None:
        """The last one out leaves no spark, and the plugin has not raised."""
        primus = self._used()
        for _ in range(3):
            spark, wire = join(primus)
            wire.receive('"hello"')
            wire.lose()
            await eventually(lambda spark=spark: spark.ready_state == 2)  # type: ignore[misc]
        assert len(primus) == 0
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_destroying_the_server_plugs_it_out(self, tracebacks: Tracebacks) -> None:
        """Its tear-down runs, with sparks that are still there ended before."""
        primus = self._used()
        join(primus)
        await primus.destroy()
        assert list(primus.ark) == []
        assert primus.plugin(self._name) is None

    @pytest.mark.asyncio
    async def test_its_browser_half_compiles_into_the_client(self, tracebacks: Tracebacks) -> None:
        """As a script and as a module; plugins without one change nothing."""
        primus = self._used()
        half = primus._ark.call(self._name, "primus_browser", primus=primus)
        assert half is None or isinstance(half, Browser)
        assert primus.library("umd")
        assert primus.library("esm")
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_its_python_client_half_fits_a_socket(self, tracebacks: Tracebacks) -> None:
        """A socket with the plugin talks to a server with the plugin."""
        primus = self._used()
        primus.on("connection", lambda spark: spark.on("data", spark.write))
        socket = primus.Socket("http://memory")
        seen = Recorder(socket, "open", "data")
        await seen.next("open")
        socket.write("hello")
        assert await seen.one("data") == "hello"
        socket.destroy()
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_what_it_adds_is_declared_by_its_classes(self, tracebacks: Tracebacks) -> None:
        """Everything public that it adds has a type that an application sees."""
        primus, bare = self._used(), self._primus()
        added = _added(primus, bare, join(primus)[0], join(bare)[0])
        for hook, names in added.items():
            given = self._given(primus, hook)
            assert names <= declared(given), f"{hook} does not declare {names - declared(given)}"
        await primus.destroy()
        await bare.destroy()

    @pytest.mark.asyncio
    async def test_core_names_it_to_those_that_miss_its_members(
        self, tracebacks: Tracebacks
    ) -> None:
        """A plugin of this project stands in the table of its members; others need not."""
        plugin = self._name.lower().removeprefix("primus-")
        if plugin not in PLUGIN.distributions:
            return
        primus, bare = self._used(), self._primus()
        added = _added(primus, bare, join(primus)[0], join(bare)[0])
        for hook, names in added.items():
            known = {name for name in names if MEMBERS[EXTENDED[hook]].get(name) == plugin}
            assert names == known, f"primus/suggestions.py lacks {names - known} of {plugin!r}"
        await primus.destroy()
        await bare.destroy()

    @pytest.mark.asyncio
    async def test_its_classes_can_be_imported_and_are_typed(self, tracebacks: Tracebacks) -> None:
        """Each is exported by the plugin, and each of its methods is annotated."""
        primus = self._used()
        for hook, base in EXTENDED.items():
            given = self._given(primus, hook)
            derived = given is None or issubclass(given, getattr(primus_package, base))
            assert derived, f"{hook}: return a class derived from {base}"
            for name, value in members(given).items():
                if inspect.isfunction(value):
                    _, *parameters = inspect.signature(value).parameters.values()
                    untyped = [each.name for each in parameters if each.annotation is each.empty]
                    assert not untyped, f"{name} has parameters without types: {untyped}"
                    assert "return" in value.__annotations__, f"{name} returns an unknown type"
            if given is not None and isinstance(self._plugin, ModuleType):
                package = import_module(self._plugin.__name__.partition(".")[0])
                assert getattr(package, given.__name__) is given
        await primus.destroy()

    def test_its_options_are_declared_as_types(self) -> None:
        """The package exports a TypedDict of the options of a server that uses it."""
        ark = Ark()
        ark.add(self._name, self._plugin)
        wanted = set(ark.options())
        if wanted and isinstance(self._plugin, ModuleType):
            package = import_module(self._plugin.__name__.partition(".")[0])
            named = [getattr(package, name) for name in package.__all__ if "Options" in name]
            core = set(ServerOptions.__annotations__)
            assert wanted in [set(get_type_hints(each)) - core for each in named]

    @pytest.mark.asyncio
    async def test_its_members_are_there_with_the_signatures_of_its_classes(
        self, tracebacks: Tracebacks
    ) -> None:
        """What an application sees is what it gets."""
        primus = self._used()
        socket = primus.Socket("http://memory", manual=True)
        owners = {
            "primus_extend_spark": join(primus)[0],
            "primus_extend_primus": primus,
            "primus_extend_socket": socket,
        }
        for hook, owner in owners.items():
            given = self._given(primus, hook)
            for name in declared(given):
                assert hasattr(owner, name), f"{owner!r} has no attribute {name!r}"
                value = members(given).get(name)
                if inspect.isfunction(value):
                    assert getattr(owner, name).__func__ is value
        socket.destroy()
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_an_application_derives_from_its_classes(self, tracebacks: Tracebacks) -> None:
        """Sparks are then of the application's class, and plain messages pass as before."""
        probe = self._used()
        spark_class = self._given(probe, "primus_extend_spark") or Spark
        primus_class = self._given(probe, "primus_extend_primus") or Primus
        await probe.destroy()

        visitor = type("Visitor", (spark_class,), {"visits": 0})
        subscripted: Any = primus_class[visitor]
        made = type("Application", (subscripted,), {})
        primus: Primus = made(
            transformer=MemoryTransformer,
            clock=ManualClock(),
            plugin={self._name: self._plugin},
            **self.options,
        )
        spark, wire = join(primus)
        assert isinstance(spark, visitor)
        assert isinstance(primus, made)
        wire.lose()
        await self._echoes(primus)
        assert primus.plugout(self._name)
        await primus.destroy()

    @pytest.mark.asyncio
    async def test_its_classes_without_the_plugin_are_a_warning(
        self, tracebacks: Tracebacks, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An application that forgets to name the plugin learns why its members do not work."""
        probe = self._used()
        spark_class = self._given(probe, "primus_extend_spark") or Spark
        primus_class: Any = self._given(probe, "primus_extend_primus") or Primus
        await probe.destroy()
        made: dict[str, Any] = {"transformer": MemoryTransformer, "clock": ManualClock()}
        for visitor in (spark_class, type("Visitor", (spark_class,), {})):
            used = primus_class[visitor](plugin={self._name: self._plugin}, **made, **self.options)
            used.initialise()
            await used.destroy()
        assert "not in use" not in caplog.text

        primus = primus_class[spark_class](**made)
        primus.initialise()
        for kind in (spark_class, primus_class):
            is_of_it = kind not in (Spark, Primus) and isinstance(self._plugin, ModuleType)
            assert (f"{kind.__name__} is a class of the plugin" in caplog.text) is is_of_it
        await primus.destroy()

    # -- how it is done

    def _given(self, primus: Primus, hook: str) -> Any:
        return primus._ark.call(self._name, hook)

    @property
    def _plugin(self) -> Any:
        return find(PLUGIN, self.plugin) if isinstance(self.plugin, str) else self.plugin

    @property
    def _name(self) -> str:
        return self.plugin if isinstance(self.plugin, str) else self.name

    def _primus(self, **options: Any) -> Primus:
        made = {"transformer": MemoryTransformer, "clock": ManualClock(), **options}
        return Primus(**made)

    def _used(self) -> Primus:
        """A Primus that has been made with the options of the plugin, which is in use."""
        return self._primus(plugin={self._name: self._plugin}, **self.options)

    def _surprises(self, value: Any) -> list[Any]:
        """Messages with `value` in every place, of the plugin and of others."""
        others = [value, None, [], {}, [value], {"type": value}, {"args": value}]
        return others + [packet(each) for packet in self.packets for each in (value, None, [value])]

    async def _encoded(self, primus: Primus, value: Any) -> Any:
        return primus.parser.encode(value)

    async def _written(self, sparks: Sequence[Spark]) -> None:
        """Wait until what was written before has passed the transforms."""
        for spark in sparks:
            wire: Any = spark._transport
            sent = len(wire.sent)
            spark.write("written")
            await eventually(lambda wire=wire, sent=sent: '"written"' in wire.sent[sent:])  # type: ignore[misc]

    async def _echoes(self, primus: Primus) -> None:
        """A message comes back as it went."""
        spark, wire = join(primus)
        errors = Recorder(spark, "error")
        spark.on("data", spark.write)
        wire.receive('"hello"', "[1,null]")
        await eventually(lambda: len(wire.sent) >= 2 or errors.story)
        assert errors.seen("error") == []
        assert wire.sent[-2:] == ['"hello"', "[1,null]"]
        wire.lose()


def _installed(primus: Primus) -> tuple[object, ...]:
    """What a plugin may add to a Primus that is asked with every connection or event."""
    now = Snapshot.of(primus)
    added = (now.listeners, now.layers, now.incoming, now.outgoing, now.reserved)
    return (*added, now.spark_reserved, now.spark_listeners)


def _added(primus: Primus, bare: Primus, spark: Spark, other: Spark) -> dict[str, set[str]]:
    """The public attributes that a plugin has added to a Primus, a spark and a socket."""
    socket = primus.Socket("http://memory", manual=True)
    plain = bare.Socket("http://memory", manual=True)
    found = {
        "primus_extend_spark": set(dir(spark)) - set(dir(other)),
        "primus_extend_primus": set(dir(primus)) - set(dir(bare)),
        "primus_extend_socket": set(dir(socket)) - set(dir(plain)),
    }
    socket.destroy()
    plain.destroy()
    return {
        hook: {name for name in names if not name.startswith("_")} for hook, names in found.items()
    }
