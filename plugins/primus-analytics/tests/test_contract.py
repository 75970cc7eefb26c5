from typing import Any

import pytest

from primus import OptionError, Primus, Socket
from primus_testing import MemoryTransformer, PluginContract


class TestAnalytics(PluginContract):
    plugin = "analytics"


@pytest.mark.parametrize(
    "value",
    [
        "yes",
        {"category": ""},
        {"app": 5},
        {"events": ["open"]},
        {"events": {"open": 5}},
        {"sink": "print"},
        {"sinks": print},
    ],
)
async def test_an_option_that_cannot_work_is_refused_by_servers_and_sockets(value: Any) -> None:
    options: dict[str, Any] = {"plugin": "analytics", "analytics": value}

    with pytest.raises(OptionError, match="analytics"):
        Primus(transformer=MemoryTransformer, **options)
    with pytest.raises(OptionError, match="analytics"):
        Socket("http://localhost", manual=True, **options)
