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
    deflate = suite.CORE + suite.DEFLATE + (suite.LARGE if full else [])

    plain, deflated = await asyncio.gather(
        suite.run(False, suite.CORE + suite.LARGE, suite.EMPTY_FLOOD),
        suite.run(True, deflate, suite.EMPTY_FLOOD + ([] if full else suite.SLOW_DEFLATE)),
    )

    assert len(plain) == 300
    assert len(deflated) == (516 if full else 283)
    for verdicts in (plain, deflated):
        failed = {case: verdict for case, verdict in verdicts.items() if verdict.failed}
        assert set(failed) == BY_DESIGN, failed
