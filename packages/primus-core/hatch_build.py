"""Minifies the browser half, with the hook that all distributions share."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
# An sdist, the repository
sys.path[:0] = [str(FOLDER / "minifying"), str(FOLDER.parent.parent / "tools")]

from minifying import MinifyingHook  # noqa: E402

__all__ = ["MinifyingHook"]
