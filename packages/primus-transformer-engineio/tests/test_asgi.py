"""The contract of every transformer under an ASGI server: sessions that are polled and upgrade."""

from typing import Any, ClassVar

from primus_testing import TransformerContract


class TestUpgradingUnderAsgi(TransformerContract):
    transformer = "engine.io"
    host = "asgi"
    options: ClassVar[dict[str, Any]] = {"transport": {"ping_interval": 9e3, "close_timeout": 0.2}}
