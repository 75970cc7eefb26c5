from primus.registry import PLUGIN, find
from primus_testing import PluginContract


class TestContract(PluginContract):
    plugin = "multiplex"
    packets = (
        lambda value: [value, value, value, value],
        lambda value: [0, "id", "news", value],
        lambda value: [1, value, "news"],
        lambda value: [1, "id", value],
        lambda value: [1, "id", "news", value],
        lambda value: [value, "id", "news"],
        lambda value: [2, "id", "news", value],
    )


def test_it_has_the_name_of_its_node_package_too() -> None:
    assert find(PLUGIN, "multiplex") is find(PLUGIN, "primus-multiplex")
