"""``python -m protocols PATH…`` in the folder of the tests: run the suite of each checkout."""

import asyncio
import sys
from pathlib import Path

from . import engineio, sockjs

SUITES = (engineio, sockjs)


async def main(paths: list[str]) -> int:
    """Run the suites; how many have failed."""
    failed = 0
    for path in map(Path, paths):
        (suite,) = [each for each in SUITES if each.is_here(path)] or [None]
        if suite is None:
            sys.exit(f"{path} holds none of the suites that are known")
        failed += not await suite.run(path)
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(sys.argv[1:])))
