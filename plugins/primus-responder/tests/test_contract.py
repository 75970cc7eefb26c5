from primus.registry import PLUGIN, find
from primus_testing import PluginContract

NAME = "primus-responder"


class TestResponder(PluginContract):
    plugin = "responder"
    packets = (
        lambda value: {"plugin": value, "requestId": value, "responseId": value, "data": value},
        lambda value: {"plugin": NAME, "requestId": value, "data": value, "fails": value},
        lambda value: {"plugin": NAME, "responseId": value, "data": value, "error": value},
        lambda value: {"plugin": NAME, "requestId": "1", "data": value, "fails": True},
        lambda value: {"plugin": NAME, "responseId": "1", "data": value},
        lambda value: {"plugin": NAME, "more": value},
    )


def test_it_has_the_name_of_its_node_package_too() -> None:
    assert find(PLUGIN, "responder") is find(PLUGIN, "primus-responder")
