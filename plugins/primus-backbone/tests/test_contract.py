from primus.registry import PLUGIN, find
from primus_testing import PluginContract


class TestBackbone(PluginContract):
    plugin = "backbone"


def test_it_has_the_name_of_its_node_package_too() -> None:
    assert find(PLUGIN, "backbone") is find(PLUGIN, "backbone.primus")
