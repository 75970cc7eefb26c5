"""The Autobahn test suite on each WebSocket engine, with compression on and off.

Everything: ``pytest integration-tests/test_autobahn.py --autobahn-full`` (hours).
"""

import asyncio

import pytest

from autobahn import suite

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_DESIGN = {"1.1.1", "6.1.1", "6.1.2"}
"""Primus does not send empty messages, so these three, which want one echoed, fail as they do with
real Primus."""

Run = tuple[str, bool, list[str], int]
"""Transformer, compression, cases, and how many of them the suite has."""

QUICK: list[list[Run]] = [
    [
        ("websockets", False, suite.CORE + suite.LARGE, 300),
        ("lws", True, suite.BASIC + suite.deflate(1, 5), 60),
    ],
    [
        ("lws", False, suite.CORE, 247),
        ("faye", False, suite.CORE, 247),
        ("websockets", True, suite.BASIC + suite.deflate(1, 5), 60),
    ],
]
"""Two at a time, since there are two cores."""

FULL: list[list[Run]] = [
    [(name, True, suite.CORE + suite.LARGE + suite.DEFLATE, 516) for name in ("websockets", "lws")],
    [(name, False, suite.CORE + suite.LARGE, 300) for name in ("websockets", "lws", "faye")],
]


async def test_only_the_failures_of_real_primus(request: pytest.FixtureRequest) -> None:
    full = request.config.getoption("--autobahn-full")

    await asyncio.gather(*(judge(runs) for runs in (FULL if full else QUICK)))


async def judge(runs: list[Run]) -> None:
    for transformer, compression, cases, count in runs:
        verdicts = await suite.run(transformer, compression, cases, suite.EMPTY_FLOOD)
        failed = {case: verdict for case, verdict in verdicts.items() if verdict.failed}
        assert set(failed) == BY_DESIGN & set(verdicts), (transformer, compression, failed)
        assert len(verdicts) == count, (transformer, compression)
