"""``python -m primus``: the command line, where the script ``primus`` is not on the PATH."""

import sys

from primus.cli import main

if __name__ == "__main__":
    sys.exit(main())
