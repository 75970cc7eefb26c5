"""Takes the browser library from npm, with the hook that all distributions share."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent.parent / "tools")]  # an sdist, the repository

from vendoring import VendoringHook  # noqa: E402

__all__ = ["VendoringHook"]
