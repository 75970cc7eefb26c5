"""Takes the browser library from npm into the wheel; see ``tools/vendoring.py``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
# In the repository the hook lies in tools/, in an sdist beside this file.
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools")]

from vendoring import VendoringHook  # noqa: E402

__all__ = ["VendoringHook"]
