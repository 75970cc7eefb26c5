"""Whether other processes take connections of the same port, so that requests of one client part.

Under ``uvicorn --workers 4`` and the like each request may come to another process, so that a
session of several requests does not work. ASGI does not tell an application. Linux does: another
child of the same parent has the listening socket of this process, or one at the same address.
Elsewhere the options of the common servers are looked at.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from primus.clock import Clock

if TYPE_CHECKING:
    from primus.contracts import Server

__all__ = ["Siblings", "declares_several", "shares_a_port", "tell_of_siblings"]

PROC: Final = Path("/proc")

DESCRIPTORS: Final = 256
"""A server opens its listening sockets first: they are among so many descriptors."""

LISTENING: Final = "0A"
"""The state of a listening socket in ``/proc/net/tcp``."""

ACCEPTS: Final = 1 << 16
"""The flag of a listening socket in ``/proc/net/unix``."""

SOCKET: Final = re.compile(r"socket:\[(\d+)\]")

FIRST: Final = 1.0
"""Seconds until it is looked again whether there are others; then twice as long each time."""


class Siblings:
    """Looks for other processes on the same port, and remembers that there are some.

    Args:
        clock: tells when to look again: processes start one after the other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found = False
        self._pause = FIRST
        self._next: float | None = None

    def there(self) -> bool:
        """Whether there are any, as far as that has been seen."""
        if not self._found:
            now = self._clock.time()
            if self._next is None or now >= self._next:
                self._next = now + self._pause
                self._pause *= 2
                self._found = shares_a_port() if PROC.is_dir() else declares_several()
        return self._found


def tell_of_siblings(primus: Server, tell: Callable[[], object]) -> None:
    """Call `tell` once, with the connection by which there are others on the port of a Primus."""
    siblings = Siblings(primus.options.clock)

    def look() -> None:
        if siblings.there():
            primus.off("connection", look)
            tell()

    primus.on("connection", look)


def shares_a_port(proc: Path = PROC, own: int = 0, parent: int = 0) -> bool:
    """Whether another child of the same parent listens where this process does (Linux).

    Args:
        proc: where the system shows its processes.
        own: the id of this process; 0 asks the system.
        parent: that of its parent; 0 asks the system.
    """
    own, parent = own or os.getpid(), parent or os.getppid()
    others = [_sockets(proc, other) for other in _children(proc, parent) if other != own]
    if not any(others):  # the table of sockets has a line for each connection of the machine
        return False
    listening = dict(_listening(proc))
    here = _sockets(proc, own) & listening.keys()
    addresses = {listening[inode] for inode in here}
    for sockets in others:
        there = sockets & listening.keys()
        if here & there or any(listening[inode] in addresses for inode in there):
            return True
    return False


def _listening(proc: Path) -> Iterator[tuple[str, str]]:
    """The listening sockets there are, by inode, with their addresses."""
    for name in ("tcp", "tcp6"):
        for fields in _table(proc / "net" / name):
            if len(fields) > 9 and fields[3] == LISTENING:
                yield fields[9], f"{name} {fields[1]}"
    for fields in _table(proc / "net" / "unix"):
        if len(fields) > 6 and int(fields[3], 16) & ACCEPTS:
            yield fields[6], f"unix {fields[6]}"


def _table(file: Path) -> Iterator[list[str]]:
    with suppress(OSError):
        for line in file.read_text("utf-8", "replace").splitlines()[1:]:
            yield line.split()


def _sockets(proc: Path, process: int) -> set[str]:
    """The inodes of the sockets that a process opened first."""
    found = set()
    # Asked for each number in turn, 100 processes of others would hold the loop for half a second.
    with suppress(OSError), os.scandir(proc / str(process) / "fd") as descriptors:
        for descriptor in islice(descriptors, DESCRIPTORS):
            with suppress(OSError):
                match = SOCKET.fullmatch(os.readlink(descriptor))  # noqa: PTH115 - a DirEntry
                if match is not None:
                    found.add(match[1])
    return found


def _children(proc: Path, parent: int) -> Iterable[int]:
    """The processes that a process has started; those of other threads of it, too."""
    found: list[int] = []
    with suppress(OSError):
        for thread in (proc / str(parent) / "task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def declares_several(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> bool:
    """Whether the command line or the environment asks a server for more than one process."""
    argv = sys.argv if argv is None else argv
    environ = os.environ if environ is None else environ
    named = [environ.get("WEB_CONCURRENCY", ""), environ.get("GRANIAN_WORKERS", "")]
    for option, following in zip(argv, (*argv[1:], ""), strict=True):
        name, equals, value = option.partition("=")
        if name in ("--workers", "-w"):
            named.append(value if equals else following)
    return any(count.isdecimal() and int(count[:9]) > 1 for count in named)
