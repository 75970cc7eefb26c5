from typing import Any, ClassVar

import pytest

from primus import OptionError, Primus, Socket
from primus_testing import MemoryTransformer, PluginContract


class TestSparkLatency(PluginContract):
    plugin = "spark-latency"
    options: ClassVar[dict[str, Any]] = {"use_clock_offset": True}
    packets = (
        lambda value: {"_latency": value},
        lambda value: {"_clock": value},
        lambda value: {"_latency": value, "_clock": value},
    )


@pytest.mark.parametrize("value", [None, "yes", 1])
async def test_an_option_that_cannot_work_is_refused_by_servers_and_sockets(value: object) -> None:
    options: dict[str, Any] = {"plugin": "spark-latency", "use_clock_offset": value}

    with pytest.raises(OptionError, match="use_clock_offset="):
        Primus(transformer=MemoryTransformer, **options)
    with pytest.raises(OptionError, match="use_clock_offset="):
        Socket("http://localhost", manual=True, **options)
