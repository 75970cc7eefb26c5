from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from primus_testing import PluginContract

AWAY = "unix:///nowhere"


class TestCluster(PluginContract):
    plugin = "cluster"
    options: ClassVar[Mapping[str, Any]] = {"cluster": {"redis": AWAY}}


class TestRedisRooms(PluginContract):
    plugin = "redis-rooms"
    options: ClassVar[Mapping[str, Any]] = {"redis_rooms": {"url": AWAY}}


class TestRedis(PluginContract):
    plugin = "redis"

    @pytest.fixture(autouse=True)
    def real_redis(self, redis_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it writes comes back from Redis, or not at all."""
        monkeypatch.setattr(type(self), "options", {"redis": {"url": f"unix://{redis_path}"}})
