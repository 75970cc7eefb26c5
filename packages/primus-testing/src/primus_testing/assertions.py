"""Makes pytest show the values in the assertions of the contracts, as it does for test files.

Imported by the pytest plugin, before the contracts: a module is rewritten while it is imported, or
never.
"""

import pytest

__all__ = ["CONTRACTS"]

CONTRACTS = (
    "primus_testing.handover",
    "primus_testing.parser",
    "primus_testing.plugins",
    "primus_testing.transformer",
    "primus_testing.websocket",
    "primus_testing.websocket_client",
    "primus_testing.websocket_limits",
)
"""The modules whose assertions show their values."""

pytest.register_assert_rewrite(*CONTRACTS)
