"""The contract of every transformer, over each way that a session can go."""

from typing import Any, ClassVar

from primus_testing import TransformerContract

STILL = {"ping_interval": 1e6, "close_timeout": 0.2}
"""The contract moves the clock by minutes, and watches the heartbeat of Primus only."""


class TestUpgrading(TransformerContract):
    transformer = "engine.io"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestPolling(TransformerContract):
    transformer = "engine.io"
    options: ClassVar[dict[str, Any]] = {"transport": {**STILL, "transports": ["polling"]}}
