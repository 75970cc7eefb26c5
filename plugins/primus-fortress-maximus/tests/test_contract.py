from typing import Any

from primus.registry import PLUGIN, find
from primus.server.primus import Primus
from primus_testing import PluginContract


class TestFortress(PluginContract):
    """Messages pass once they have a validator."""

    plugin = "fortress-maximus"
    packets = (lambda value: {"emit": value}, lambda value: {"emit": ["data", value]})

    def _used(self) -> Primus:
        primus: Any = super()._used()
        primus.validate("data", _anything)
        return primus

    async def _echoes(self, primus: Any) -> None:
        if "data" not in primus._fortress._validators:
            primus.validate("data", _anything)
        await super()._echoes(primus)


def _anything(message: Any) -> None:
    """Accept it."""


def test_it_has_the_name_with_a_prefix_too() -> None:
    assert find(PLUGIN, "fortress-maximus") is find(PLUGIN, "primus-fortress-maximus")
