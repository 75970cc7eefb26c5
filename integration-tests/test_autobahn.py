"""The Autobahn test suite on our WebSocket transformer, with compression on and off.

Everything: ``pytest integration-tests/autobahn --autobahn-full`` (most of an hour).
"""

import asyncio

import pytest

from autobahn import suite

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_DESIGN = {"1.1.1", "6.1.1", "6.1.2"}
"""Primus does not send empty messages, so these three, which want one echoed, fail as they do with
real Primus."""


async def test_only_the_failures_of_real_primus(request: pytest.FixtureRequest) -> None:
    full = request.config.getoption("--autobahn-full")
    large = suite.CORE + suite.LARGE

    plain, deflated = await asyncio.gather(
        suite.run(False, large, []),
        suite.run(True, large + suite.DEFLATE, [] if full else suite.SLOW_DEFLATE + suite.LARGE),
    )

    assert len(plain) >= 301
    assert len(deflated) >= (517 if full else 247)
    for verdicts in (plain, deflated):
        failed = {case: verdict for case, verdict in verdicts.items() if verdict.failed}
        assert set(failed) == BY_DESIGN, failed
