"""The programs that a test needs from the machine, or the reason why it cannot run."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = REPOSITORY / "integration-tests"
PEERS = TESTS / "peers"
CACHE = REPOSITORY / ".cache" / "integration-tests"


def cache(*parts: str) -> Path:
    """A folder below the cache, made when it is not there. Git does not look into the cache."""
    folder = CACHE.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n")
    return folder


def missing(what: str, install: str) -> NoReturn:
    """Fail in CI, skip elsewhere: nothing but this may skip an integration test.

    Args:
        what: the thing that is not there.
        install: what to type or install to get it.
    """
    reason = f"{what} is missing: {install}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(*names: str, install: str) -> str:
    """The path of the first of ``names`` that this machine has."""
    for name in names:
        # Debian keeps nginx and haproxy in /usr/sbin, which is not in every PATH.
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    missing(" or ".join(names), install)
