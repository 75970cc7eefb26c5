import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from primus import (
    HookError,
    InvalidPluginError,
    OptionError,
    PluginError,
    Primus,
    Spark,
    SparkT_co,
    hookimpl,
)
from primus.browser import Browser
from primus.http import Request
from primus.pipeline import Packet
from primus.plugins import Ark
from primus.server.install import Snapshot
from primus.server.layers import Layer
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    PluginContract,
    Recorder,
    Tracebacks,
    join,
)

MakePrimus = Callable[..., Primus]


class Shouting(Spark):
    colour = "none"

    def shout(self, text: str) -> bool:
        return self.write(text.upper())


class WithRooms(Primus[SparkT_co]):
    rooms: object


class Everything:
    """A plugin that uses every hook of the server and adds whatever can be added."""

    def __init__(self, fail: str = "") -> None:
        self.fail = fail
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.fail:
            raise ZeroDivisionError(name)

    @hookimpl
    def primus_options(self) -> dict[str, object]:
        return {"colour": "blue"}

    @hookimpl
    def primus_extend_spark(self) -> type[Shouting]:
        self.step("extend_spark")
        return Shouting

    @hookimpl
    def primus_extend_primus(self) -> type[Primus]:
        return WithRooms

    @hookimpl
    def primus_middleware(self, primus: Primus) -> list[Layer]:
        self.step("middleware")
        return [
            Layer("first", lambda request: None, before="forwarded"),
            Layer("last", lambda request: None),
            Layer("spec", lambda request: None),
        ]

    @hookimpl
    def primus_incoming(self, primus: Primus) -> Any:
        self.step("incoming")
        return lambda packet, spark: packet.data != "swallow me"

    @hookimpl
    def primus_outgoing(self, primus: Primus) -> Any:
        self.step("outgoing")

        def outgoing(packet: Packet, spark: Spark) -> None: ...

        return outgoing

    @hookimpl
    def primus_setup(self, primus: Primus) -> None:
        primus.on("connection", lambda spark: self.steps.append("listener"))
        primus.on("mine", lambda: None)
        primus.events.names.add("mine")
        primus.Spark.events.names.add("joined")
        primus.rooms = object()  # type: ignore[attr-defined]
        primus.authorize(lambda request: None)
        self.step("setup")

    @hookimpl
    def primus_connection(self, spark: Spark) -> None:
        self.steps.append("connection")
        spark.colour = "green"  # type: ignore[attr-defined]

    @hookimpl
    def primus_disconnection(self, spark: Spark) -> None:
        self.step("disconnection")

    @hookimpl
    def primus_teardown(self, primus: Primus) -> None:
        self.step("teardown")

    @hookimpl
    def primus_browser(self) -> Browser:
        return Browser(client="export default function () {}\n", library="var lib = 1;")


class TestPluginThatUsesEveryHook(PluginContract):
    plugin = Everything()
    options = {"colour": "red"}  # noqa: RUF012


class TestPluginThatDoesNothing(PluginContract):
    class plugin:  # noqa: N801 - an object with hooks need not be an instance
        @staticmethod
        @hookimpl
        def primus_setup() -> None: ...


def test_use_runs_the_hooks_in_the_order_of_the_page(primus: Primus) -> None:
    plugin = Everything()
    assert primus.use("everything", plugin) is primus
    assert plugin.steps == ["extend_spark", "middleware", "incoming", "outgoing", "setup"]
    assert primus.plugin("everything") is plugin
    assert dict(primus.ark) == primus.plugin() == {"everything": plugin}
    assert primus.plugin("other") is None


def test_what_a_plugin_adds_is_there(primus: Primus) -> None:
    primus.use("everything", Everything())
    names = [layer.name for layer in primus.layers]
    assert names[0] == "first"
    assert names[-1] == "last"
    assert primus.reserved("mine")
    assert primus.Spark.events.names >= {"joined", "data"}
    spark, wire = join(primus)
    spark.shout("hey")  # type: ignore[attr-defined]
    assert wire.sent == ['"HEY"']


def test_connection_hooks_run_before_the_listeners_and_disconnection_hooks_too(
    primus: Primus,
) -> None:
    plugin = Everything()
    primus.use("everything", plugin)
    plugin.steps.clear()
    primus.on("connection", lambda spark: plugin.steps.append(spark.colour))
    primus.on("disconnection", lambda spark: plugin.steps.append("gone"))
    spark, _ = join(primus)
    spark.end()
    assert plugin.steps == ["connection", "listener", "green", "disconnection", "gone"]


@pytest.mark.parametrize("fail", ["extend_spark", "middleware", "incoming", "outgoing", "setup"])
def test_a_plugin_that_fails_half_way_leaves_no_trace(primus: Primus, fail: str) -> None:
    before = Snapshot.of(primus)
    plugin = Everything(fail)
    with pytest.raises(ZeroDivisionError):
        primus.use("everything", plugin)
    assert plugin.steps[-1] == fail
    assert Snapshot.of(primus) == before
    assert list(primus.ark) == []
    plugin.fail = ""
    primus.use("everything", plugin)
    assert primus.plugin("everything") is plugin


def test_a_plugin_whose_setup_is_interrupted_leaves_no_trace(primus: Primus) -> None:
    class Interrupted(Everything):
        def step(self, name: str) -> None:
            super().step(name)
            if name == "setup":
                raise KeyboardInterrupt

    before = Snapshot.of(primus)
    with pytest.raises(KeyboardInterrupt):
        primus.use("everything", Interrupted())
    assert Snapshot.of(primus) == before
    assert list(primus.ark) == []


def test_plugout_leaves_attributes_that_have_been_changed_since(primus: Primus) -> None:
    primus.use("everything", Everything())
    primus.rooms = mine = object()  # type: ignore[attr-defined]
    primus.Spark.colour = "mine"  # type: ignore[attr-defined]
    primus.plugout("everything")
    assert primus.rooms is mine  # type: ignore[attr-defined]
    assert primus.Spark.colour == "mine"  # type: ignore[attr-defined]
    assert not hasattr(primus.Spark, "shout")


def test_plugout_restores_the_server_exactly_and_runs_the_tear_down(primus: Primus) -> None:
    plugin = Everything()
    seen = Recorder(primus, "plugin", "plugout")
    before = Snapshot.of(primus)
    primus.use("everything", plugin)
    assert primus.plugout("everything") is True
    assert plugin.steps[-1] == "teardown"
    assert seen.story == ["plugin", "plugout"]
    assert seen.seen("plugout") == [("everything", plugin)]
    assert Snapshot.of(primus) == before
    assert primus.plugout("everything") is False


def test_plugout_leaves_what_others_have_added_since(primus: Primus) -> None:
    primus.use("everything", Everything())
    mine: list[Spark] = []
    primus.on("connection", mine.append)
    primus.before("mine", lambda request: None)
    primus.transform("incoming", mine_too := lambda packet, spark: None)
    primus.plugout("everything")
    assert primus.listeners("connection") == (mine.append,)
    assert [layer.name for layer in primus.layers][-1] == "mine"
    assert primus.pipeline.incoming == (mine_too,)
    assert "spec" in primus.layers


def test_plugout_leaves_what_others_have_removed_or_replaced_since(primus: Primus) -> None:
    def mine(request: Request) -> None: ...

    primus.use("everything", Everything())
    primus.remove("cors")
    primus.before("spec", mine)
    primus.plugout("everything")
    assert "cors" not in primus.layers
    assert [layer.fn for layer in primus.layers if layer.name == "spec"] == [mine]


def test_a_tear_down_that_raises_is_logged_and_the_plugin_is_gone(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("the tear-down of the plugin 'everything' raised")
    primus.use("everything", Everything(fail="teardown"))
    assert primus.plugout("everything") is True
    assert list(primus.ark) == []


def test_a_disconnection_hook_that_raises_is_logged_and_no_obstacle(
    primus: Primus, tracebacks: Tracebacks, caplog: pytest.LogCaptureFixture
) -> None:
    tracebacks.expect("a primus_disconnection hook raised")
    primus.use("everything", Everything(fail="disconnection"))
    left = Recorder(primus, "disconnection")
    sparks = [join(primus)[0] for _ in range(3)]
    for spark in sparks:
        spark.end()
    assert left.seen("disconnection") == [(spark,) for spark in sparks]
    assert sum(record.levelname == "ERROR" for record in caplog.records) == 1


def test_a_misspelt_hook_names_itself(primus: Primus) -> None:
    class Misspelt:
        @hookimpl
        def primus_conection(self, spark: Spark) -> None: ...

    before = Snapshot.of(primus)
    with pytest.raises(HookError) as caught:
        primus.use("misspelt", Misspelt())
    assert "'misspelt'" in str(caught.value)
    assert "primus_conection" in str(caught.value)
    assert Snapshot.of(primus) == before
    assert list(primus.ark) == []


def test_a_hook_with_an_argument_that_it_never_gets_names_both(primus: Primus) -> None:
    class Greedy:
        @hookimpl
        def primus_setup(self, primus: Primus, options: Any) -> None: ...

    with pytest.raises(HookError) as caught:
        primus.use("greedy", Greedy())
    assert "primus_setup" in str(caught.value)
    assert "options" in str(caught.value)


def test_a_hook_that_is_not_marked_is_named(primus: Primus) -> None:
    class Unmarked:
        @hookimpl
        def primus_setup(self) -> None: ...
        def primus_teardown(self) -> None: ...

    with pytest.raises(HookError, match="mark primus_teardown with @hookimpl"):
        primus.use("unmarked", Unmarked())


def test_an_object_without_hooks_is_no_plugin(primus: Primus) -> None:
    with pytest.raises(InvalidPluginError, match="has no function that is marked @hookimpl"):
        primus.use("nothing", object())
    assert list(primus.ark) == []


def test_a_plugin_needs_a_name(primus: Primus) -> None:
    with pytest.raises(PluginError, match="must be a non-empty text"):
        primus.use("", Everything())


def test_a_name_or_a_plugin_in_use_is_refused(primus: Primus) -> None:
    plugin = Everything()
    primus.use("one", plugin)
    with pytest.raises(PluginError, match=r"'one' is in use already; plugout\('one'\) first"):
        primus.use("one", Everything())
    with pytest.raises(PluginError, match="'two' is in use already, as 'one'"):
        primus.use("two", plugin)
    assert list(primus.ark) == ["one"]


def test_two_plugins_cannot_give_sparks_the_same_attribute(primus: Primus) -> None:
    class Extends:
        @hookimpl
        def primus_extend_spark(self) -> dict[str, object]:
            return {"room": None}

    primus.use("one", Extends())
    with pytest.raises(PluginError, match="'two': sparks have an attribute 'room' already"):
        primus.use("two", Extends())
    primus.plugout("one")
    primus.use("two", Extends())


def test_middleware_that_is_no_layer_is_refused(primus: Primus) -> None:
    class Wrong:
        @hookimpl
        def primus_middleware(self) -> list[Any]:
            return [print]

    with pytest.raises(HookError, match="primus_middleware must give Layers, not <built-in"):
        primus.use("wrong", Wrong())


@pytest.mark.parametrize(
    ("hook", "given", "shown"),
    [
        ("primus_options", ["limit"], "must give a mapping of options to their defaults"),
        ("primus_extend_spark", "join", "must give a class, or a mapping of members, not 'join'"),
        ("primus_extend_primus", "join", "must give a class, or a mapping of members"),
        ("primus_middleware", print, "must give a list of Layers, not <built-in"),
        ("primus_browser", "export default 1", "must give a Browser, not 'export default 1'"),
    ],
)
def test_a_hook_that_gives_what_it_is_not_for_is_named(
    primus: Primus, hook: str, given: object, shown: str
) -> None:
    def fn() -> object:
        return given

    fn.__name__ = hook
    with pytest.raises(HookError, match=f"^the plugin 'wrong': {hook} {shown}"):
        primus.use("wrong", SimpleNamespace(**{hook: hookimpl(fn)})).library()


def test_an_option_that_primus_has_is_refused(make_primus: MakePrimus) -> None:
    class Taking:
        @hookimpl
        def primus_options(self) -> dict[str, Any]:
            return {"timeout": 1.0}

    with pytest.raises(HookError, match="'taking': 'timeout' is an option of Primus already"):
        make_primus(plugin={"taking": Taking()})


def test_an_option_may_be_called_as_what_primus_derives_from_its_own(
    make_primus: MakePrimus,
) -> None:
    class Limiting:
        @hookimpl
        def primus_options(self) -> dict[str, Any]:
            return {"limits": 1, "extra": 2}

    primus = make_primus(plugin={"limiting": Limiting()}, limits=5)
    assert primus.options.extra == {"limits": 5, "extra": 2}


async def test_a_hook_of_use_is_plain(primus: Primus) -> None:
    class Waiting:
        @hookimpl
        async def primus_setup(self) -> None: ...

    with pytest.raises(HookError, match="primus_setup must be a plain function, and not async"):
        primus.use("waiting", Waiting())
    assert list(primus.ark) == []


async def test_a_task_that_a_hook_returns_goes_on(primus: Primus) -> None:
    class Waiting:
        @hookimpl
        def primus_setup(self) -> Any:
            self.task = asyncio.ensure_future(asyncio.sleep(0, "has run"))
            return self.task

        @hookimpl
        def primus_teardown(self) -> Any:
            self.cleaning = asyncio.ensure_future(asyncio.sleep(0, "has cleaned"))
            return self.cleaning

    plugin = Waiting()
    primus.use("waiting", plugin)
    primus.plugout("waiting")

    assert await plugin.task == "has run"
    assert await plugin.cleaning == "has cleaned"


def test_a_class_whose_hooks_take_no_instance_is_a_plugin(primus: Primus) -> None:
    class Base:
        @hookimpl
        def primus_setup(self) -> None: ...

    class Namespace(Base):
        @hookimpl
        def primus_middleware(primus: Primus) -> list[Layer]:  # noqa: N805 - no instance
            return [Layer("mine", lambda request: None)]

        @staticmethod
        @hookimpl
        def primus_setup() -> None: ...

        def primus_version(self) -> str:
            return primus.version

    primus.use("namespace", Namespace)
    assert "mine" in [layer.name for layer in primus.layers]


def test_a_class_in_place_of_its_instance_is_told(primus: Primus) -> None:
    with pytest.raises(InvalidPluginError, match=r"is a class: give an instance, Everything\(\)$"):
        primus.use("everything", Everything)


def test_options_of_plugins_have_defaults_and_are_known(make_primus: MakePrimus) -> None:
    plain = make_primus(plugin={"everything": Everything()})
    assert plain.options.extra == {"colour": "blue"}
    given = make_primus(plugin={"everything": Everything()}, colour="red")
    assert given.options.extra == {"colour": "red"}
    with pytest.raises(OptionError, match="Did you mean 'colour'"):
        make_primus(plugin={"everything": Everything()}, color="red")


def test_a_plugin_of_one_server_does_not_show_on_another(manual_clock: ManualClock) -> None:
    one = Primus(transformer=MemoryTransformer, clock=manual_clock)
    two = Primus(transformer=MemoryTransformer, clock=manual_clock)
    before = Snapshot.of(two)
    one.use("everything", Everything())
    assert Snapshot.of(two) == before
    assert not hasattr(two.Spark, "shout")
    assert not two.reserved("mine")


def test_hooks_run_in_the_order_of_use_with_first_and_last_ones(primus: Primus) -> None:
    steps: list[str] = []

    def plugin(name: str, **order: bool) -> object:
        class Plugin:
            @hookimpl(**order)  # type: ignore[call-overload,untyped-decorator]
            def primus_connection(self, spark: Spark) -> None:
                steps.append(name)

        return Plugin()

    primus.use("last", plugin("last", trylast=True))
    primus.use("one", plugin("one"))
    primus.use("two", plugin("two"))
    primus.use("first", plugin("first", tryfirst=True))
    join(primus)
    assert steps == ["first", "one", "two", "last"]


async def test_destroying_plugs_out_in_the_opposite_order_of_use(primus: Primus) -> None:
    steps: list[str] = []

    class Plugin:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def primus_teardown(self) -> None:
            steps.append(self.name)

    primus.use("one", Plugin("one")).use("two", Plugin("two"))
    await primus.destroy()
    assert steps == ["two", "one"]


def test_the_hook_of_one_plugin_is_called_with_what_it_asks_for() -> None:
    class Plugin:
        @hookimpl
        def primus_incoming(self) -> Any:
            return "no argument"

    ark = Ark()
    plugin = Plugin()
    ark.add("mine", plugin)
    assert ark.call("mine", "primus_incoming", primus=None) == "no argument"
    assert ark.call("mine", "primus_outgoing", primus=None) is None
    assert ark.remove("mine") is plugin
    with pytest.raises(KeyError):
        ark.remove("mine")


def test_a_primus_knows_early_what_it_is_going_to_use() -> None:
    told: list[bool] = []

    class Early:
        @hookimpl
        def primus_setup(self, primus: Primus) -> None:
            told.append(primus.uses("nothing", "late"))

    class Late:
        @hookimpl
        def primus_setup(self, primus: Primus) -> None:
            told.append(primus.uses("Nothing"))

    Primus(transformer=MemoryTransformer, plugin={"early": Early(), "primus-late": Late()})

    assert told == [True, False]


class Hooked:
    """A plugin that fails where it is told to."""

    def __init__(self, fail: str = "") -> None:
        self.fail = fail

    @hookimpl
    def primus_options(self) -> dict[str, object]:
        if self.fail == "options":
            raise ZeroDivisionError
        return {}


def test_of_plugins_that_do_not_all_fit_none_is_admitted() -> None:
    ark, one = Ark(), Hooked()
    for _ in range(2):
        with pytest.raises(PluginError, match="non-empty"):
            ark.admit({"one": one, "": Hooked()})
    assert ark.admit({"one": one}) == ["one"]


def test_a_plugin_whose_options_fail_is_admitted_once_they_do_not() -> None:
    ark, plugin = Ark(), Hooked("options")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            ark.admit({"one": plugin})
    plugin.fail = ""
    assert ark.admit({"one": plugin}) == ["one"]


def test_a_plugin_that_does_not_fit_says_the_same_again_and_leaves_its_name(
    primus: Primus,
) -> None:
    class Misfit:
        @hookimpl
        def primus_connection(self, sparks: Spark) -> None:
            """Its argument is misspelt."""

    misfit = Misfit()
    for _ in range(2):
        with pytest.raises(HookError, match="does not fit"):
            primus.use("one", misfit)
    primus.use("one", Hooked())
    assert list(primus.ark) == ["one"]
