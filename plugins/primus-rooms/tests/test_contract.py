from primus.registry import PLUGIN, find
from primus_testing import PluginContract


class TestRooms(PluginContract):
    plugin = "rooms"


def test_its_other_name_is_that_of_the_node_package() -> None:
    assert find(PLUGIN, "primus-rooms") is find(PLUGIN, "rooms")
