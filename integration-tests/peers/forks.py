"""The process that forks for each Python peer that a test starts: it has imported everything.

``python forks.py DESCRIPTOR`` reads from that socket, until it is closed, what to start: the
arguments as JSON, with the descriptors of the standard streams and of a pipe, on which the process
id is written, and the exit status in the end. No thread and no event loop exists before a fork.
"""

import contextlib
import gc
import json
import os
import runpy
import selectors
import socket
import sys
import threading
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules

GROUPS = ("primus.transformers", "primus.parsers", "primus.plugins")
UNUSED = {"__main__", "nats", "testing"}
"""Modules that no peer imports."""

OTHERS = """
    aiohttp.web events hosts primus.cli primus.uvicorn redis.asyncio streams uvicorn
    uvicorn.protocols.http.h11_impl wire
""".split()
"""What peers import besides plugins, parsers and transformers."""

MOST_DESCRIPTORS = 2**16
"""More than this process ever has."""


def import_everything() -> None:
    """Import what peers import, at once or when they are asked for it."""
    found = [each for group in GROUPS for each in entry_points(group=group)]
    for package in sorted({each.module.partition(".")[0] for each in found} - {"primus"}):
        import_all(package)
    for name in OTHERS:
        import_module(name)


def import_all(name: str) -> None:
    """Import a module and those below it."""
    for below in iter_modules(getattr(import_module(name), "__path__", ())):
        if below.name not in UNUSED:
            import_all(f"{name}.{below.name}")


def asked_for(channel: socket.socket) -> list[str]:
    """Fork for each request, and get its arguments in the fork; none when the tests have ended."""
    selector = selectors.DefaultSelector()
    selector.register(channel, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                selector.unregister(key.fileobj)
                report_exit(key.fd, *key.data)
                continue
            text, descriptors, _, _ = socket.recv_fds(channel, 2**20, 4)
            if not text:
                return []
            *streams, status = descriptors
            pid = os.fork()
            if pid == 0:
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                selector.close()
                channel.detach()
                os.closerange(3, MOST_DESCRIPTORS)
                return list(json.loads(text))
            for stream in streams:
                os.close(stream)
            os.write(status, b"%d\n" % pid)
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, status))


def report_exit(descriptor: int, pid: int, status: int) -> None:
    """Tell the test how a process has ended."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        os.write(status, b"%d\n" % code)
    os.close(status)
    os.close(descriptor)


def main() -> None:
    """Fork as long as there are tests; in a fork, run the script that was asked for."""
    import_everything()
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()
    arguments = asked_for(socket.socket(fileno=int(sys.argv[1])))
    if arguments:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
