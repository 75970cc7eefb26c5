"""Accepting connections when descriptors run out, in a process of few."""

import asyncio
import socket
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, cast

import pytest

from primus.limits import DEFAULT_LIMITS
from primus.server.acceptor import Acceptor

LOOPS = ["asyncio", *(["uvloop"] if find_spec("uvloop") else [])]

PROGRAM = """
import asyncio, logging, resource, socket, subprocess, sys

LIMIT = 64
records = []

class Counting(logging.Handler):
    def emit(self, record):
        records.append(record)

logging.getLogger().addHandler(Counting())
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, hard))

CROWD = '''
import resource, select, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
crowd = [socket.create_connection(("127.0.0.1", {port})) for _ in range(200)]
print("here", flush=True)
sys.stdin.readline()
'''

async def main():
    from primus import Primus
    primus = await Primus.create_server(
        host="127.0.0.1", iknowhttpsisbetter=True, handshake_timeout=False
    )
    request = b"GET /primus/spec HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", primus.port)

    async def ask():
        writer.write(request)
        await reader.readuntil(b"}")

    await ask()
    crowd = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CROWD.format(soft=soft, hard=hard, port=primus.port),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )
    await crowd.stdout.readline()
    for _ in range(20):
        await ask()  # a client that is connected is served
    while not records:
        await asyncio.sleep(0.01)
    print(len(records), records[0].getMessage())
    crowd.stdin.write(b"go\\n")
    await crowd.wait()
    while True:  # a client that comes later is accepted again
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", primus.port)
            await ask()
            break
        except OSError:
            await asyncio.sleep(0.01)
    print(len(records))
    writer.close()
    await primus.destroy()

if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
@pytest.mark.parametrize("loop", LOOPS)
def test_without_descriptors_the_log_says_so_once_and_the_others_are_served(loop: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, loop],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("1 no more connections can be accepted for now: [Errno 24] ")
    assert "may open 64 files" in first
    assert "`ulimit -n 65536`" in first
    assert second == "1"


async def test_others_get_their_turn_after_so_many_connections() -> None:
    class Listener:
        """A listener whose accept always gives a connection."""

        def __init__(self) -> None:
            self.pairs: list[tuple[socket.socket, socket.socket]] = []

        def accept(self) -> tuple[socket.socket, Any]:
            if len(self.pairs) == 10:
                raise BlockingIOError
            self.pairs.append(socket.socketpair())
            return self.pairs[-1][0], None

    listener, lost = Listener(), asyncio.Semaphore(0)

    class Peer(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.release()

    limits = replace(DEFAULT_LIMITS, accepted_per_turn=3)
    acceptor = Acceptor(cast("socket.socket", listener), Peer, None, limits)
    acceptor._accept()
    assert len(listener.pairs) == 3
    for _, other in listener.pairs:
        other.close()
        await lost.acquire()
