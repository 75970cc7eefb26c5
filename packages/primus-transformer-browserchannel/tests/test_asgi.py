"""The contract of every transformer under an ASGI server."""

from __future__ import annotations

from typing import Any, ClassVar

from primus_testing import TransformerContract


class TestStreamingUnderAsgi(TransformerContract):
    transformer = "browserchannel"
    host = "asgi"
    options: ClassVar[dict[str, Any]] = {
        "transport": {"keepalive_interval": 9e3, "session_timeout": 9e3, "close_timeout": 0.2}
    }
