from collections.abc import Mapping
from typing import Any, ClassVar

import primus_chaos
from primus import hookspecs
from primus_testing import PluginContract


class TestChaos(PluginContract):
    plugin = "chaos"


class TestItsOtherName(PluginContract):
    plugin = "primus-chaos"


class TestArmed(PluginContract):
    plugin = "chaos"
    options: ClassVar[Mapping[str, Any]] = {"chaos_cut": (10, 20), "chaos_seed": 1}


def test_it_uses_every_hook_that_a_plugin_can_have() -> None:
    hooks = {name for name, fn in vars(hookspecs).items() if hasattr(fn, "primus_spec")}
    used = {name for name, fn in vars(primus_chaos).items() if hasattr(fn, "primus_impl")}

    assert hooks - used == {"primus_transformer", "primus_parser"}
