from collections.abc import Mapping
from typing import Any, ClassVar

from primus_testing import PluginContract


class TestMetroplex(PluginContract):
    plugin = "metroplex"


class TestWhileRedisIsAway(PluginContract):
    plugin = "metroplex"
    options: ClassVar[Mapping[str, Any]] = {
        "redis": "unix:///nowhere",
        "address": "http://10.0.0.1:8080",
    }
