from primus.registry import PLUGIN, find
from primus_testing import PluginContract


class TestResource(PluginContract):
    plugin = "resource"
    packets = (
        lambda value: {"type": 0, "data": ["creature::walk", value], "id": value},
        lambda value: {"type": 0, "data": [value, "creature::ready"], "id": 1},
        lambda value: {"type": 0, "data": ["creature::ready", value]},
    )


def test_it_has_the_name_of_its_node_package_too() -> None:
    assert find(PLUGIN, "resource") is find(PLUGIN, "primus-resource")
