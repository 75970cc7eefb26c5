"""Every test of this folder is about the compiled part, and has it in use."""

from __future__ import annotations

import os

import pytest

from primus.websocket.speedups import SWITCH, absence


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail in CI, skip elsewhere, where there is no compiler: the distribution is optional."""
    monkeypatch.delenv(SWITCH, raising=False)
    reason = absence()
    if reason is not None and os.environ.get("CI"):
        pytest.fail(f"primus-speedups is {reason}", pytrace=False)
    if reason is not None:
        pytest.skip(f"primus-speedups is {reason}")
