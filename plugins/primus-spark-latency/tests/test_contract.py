from typing import Any, ClassVar

from primus_testing import PluginContract


class TestSparkLatency(PluginContract):
    plugin = "spark-latency"
    options: ClassVar[dict[str, Any]] = {"use_clock_offset": True}
    packets = (
        lambda value: {"_latency": value},
        lambda value: {"_clock": value},
        lambda value: {"_latency": value, "_clock": value},
    )
