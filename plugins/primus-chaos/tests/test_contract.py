from collections.abc import Mapping
from typing import Any, ClassVar

import primus_chaos
from primus import Order, Primus, hookimpl, hookspecs
from primus_testing import MemoryTransformer, PluginContract


class TestChaos(PluginContract):
    plugin = "chaos"


class TestItsOtherName(PluginContract):
    plugin = "primus-chaos"


class TestArmed(PluginContract):
    plugin = "chaos"
    options: ClassVar[Mapping[str, Any]] = {"chaos_cut": (10, 20), "chaos_seed": 1}


def test_it_uses_every_hook_but_those_of_other_kinds_and_of_control_messages() -> None:
    hooks = {name for name, fn in vars(hookspecs).items() if hasattr(fn, "primus_spec")}
    used = {name for name, fn in vars(primus_chaos).items() if hasattr(fn, "primus_impl")}

    other = {"primus_transformer", "primus_parser", "primus_overtakes", "primus_lost"}
    other |= {"primus_event", "primus_latency", "primus_control"}  # of plugins that send something
    assert hooks - used == other


class Swallows:
    """A plugin that takes every message for itself."""

    @hookimpl
    def primus_incoming(self) -> Any:
        return lambda packet: False


def test_it_comes_before_plugins_that_take_messages_for_themselves() -> None:
    plugins = {"emitter": Swallows(), "chaos": None}
    primus = Primus(transformer=MemoryTransformer, plugin=plugins)

    assert list(primus.ark) == ["chaos", "emitter"]
    assert primus_chaos.primus_order() == Order(
        before=["emit", "emit-broadcast", "emitter"], after="substream"
    )
