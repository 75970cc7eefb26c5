"""Messages of sessions whose WebSockets uvicorn hands over, from the beginning or by an upgrade."""

from typing import Any, ClassVar

from primus_testing.transformer.messages import MessagesContract


class TestUpgradingOfUvicorn(MessagesContract):
    transformer = "engine.io"
    host = "uvicorn"
    options: ClassVar[dict[str, Any]] = {"transport": {"ping_interval": 9e3, "close_timeout": 0.2}}


class TestUpgradingThroughAnApplication(TestUpgradingOfUvicorn):
    host = "wrapped"
