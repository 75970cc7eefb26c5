from collections.abc import Mapping
from typing import Any, ClassVar

from primus_testing import PluginContract


class TestRooms(PluginContract):
    plugin = "rooms"


class TestItsOtherName(PluginContract):
    plugin = "primus-rooms"


class TestWithWildcards(PluginContract):
    plugin = "rooms"
    options: ClassVar[Mapping[str, Any]] = {"rooms": {"wildcard": True, "wild_delete": True}}
