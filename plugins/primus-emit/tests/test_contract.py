from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from primus import PluginError
from primus.registry import PLUGIN, find
from primus_testing import PluginContract

Packets = Sequence[Callable[[Any], Any]]


EVENTS: Packets = (
    lambda value: {"emit": value},
    lambda value: {"emit": ["news", value]},
)
EMITTER_PACKETS: Packets = (
    lambda value: {"type": value, "data": value, "id": value},
    lambda value: {"type": 0, "data": value},
    lambda value: {"type": 0, "data": ["news", value], "id": value},
    lambda value: {"type": 1, "data": value, "id": 1},
    lambda value: {"type": 1, "data": [value], "id": value},
)


class TestEmit(PluginContract):
    plugin = "emit"
    packets = EVENTS


class TestEmitBroadcast(PluginContract):
    plugin = "emit-broadcast"
    packets = EVENTS


class TestEmitter(PluginContract):
    plugin = "emitter"
    packets = EMITTER_PACKETS


class TestEmitterAsInNode(PluginContract):
    plugin = "emitter"
    packets = EMITTER_PACKETS
    options: ClassVar[Mapping[str, Any]] = {"emitter_data": True, "emitter_timeout": None}


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("emit", "primus-emit"),
        ("emit-broadcast", "primus-emit/broadcast"),
        ("emitter", "primus-emitter"),
    ],
)
def test_each_has_the_name_of_its_node_package_too(name: str, node: str) -> None:
    assert find(PLUGIN, name) is find(PLUGIN, node)


def test_only_one_of_them_can_replace_emit(make_primus: Any) -> None:
    with pytest.raises(PluginError, match="sparks have an attribute 'emit' already"):
        make_primus("emit, emit-broadcast")
