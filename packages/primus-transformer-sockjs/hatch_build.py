"""Takes the browser library from npm, and minifies our half, with the hook of all."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
# An sdist, the repository
sys.path[:0] = [str(FOLDER / "minifying"), str(FOLDER.parent.parent / "tools")]

from minifying import MinifyingHook  # noqa: E402

__all__ = ["MinifyingHook"]
