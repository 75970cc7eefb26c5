from typing import Any, ClassVar

from primus_testing import PluginContract


class TestRecovery(PluginContract):
    plugin = "recovery"
    options: ClassVar[dict[str, Any]] = {"recovery_secret": "a secret of sixteen"}
    controls = ("at", "token", "ack", "session", "recovered", "gap")


class TestItsOtherName(PluginContract):
    plugin = "primus-recovery"
