from typing import Any, ClassVar

from primus.registry import PLUGIN, find
from primus_testing import PluginContract


class TestMirage(PluginContract):
    plugin = "mirage"
    packets = (
        lambda value: {"emit": ["mirage", value]},
        lambda value: {"type": 0, "data": ["mirage", value]},
    )


class TestSigned(TestMirage):
    options: ClassVar[dict[str, Any]] = {"mirage_secret": "secret"}


def test_it_has_the_name_with_a_prefix_too() -> None:
    assert find(PLUGIN, "mirage") is find(PLUGIN, "primus-mirage")
