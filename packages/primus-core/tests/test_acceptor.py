"""Accepting connections when descriptors run out, in a process of few."""

import asyncio
import errno
import logging
import socket
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, cast

import pytest

from primus.limits import DEFAULT_LIMITS
from primus.server import acceptor as accepting
from primus.server.acceptor import Acceptor
from primus_testing import eventually
from primus_testing.tls import certificates

LOOPS = ["asyncio", *(["uvloop"] if find_spec("uvloop") else [])]

PROGRAM = """
import asyncio, logging, subprocess, sys

records = []

class Counting(logging.Handler):
    def emit(self, record):
        records.append(record)

logging.getLogger().addHandler(Counting())

CROWD = '''
import resource, select, socket, sys
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
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
        sys.executable, "-c", CROWD.format(port=primus.port),
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
    few = ("sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh")  # by itself it cannot import much then
    done = subprocess.run(
        [*few, sys.executable, "-c", PROGRAM, loop],
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


class Listener(socket.socket):
    """A listening socket whose next connections are not accepted for these reasons."""

    def __init__(self, *reasons: int) -> None:
        super().__init__()
        self.reasons = list(reasons)
        self.bind(("127.0.0.1", 0))
        self.listen()

    def accept(self) -> tuple[socket.socket, Any]:
        if self.reasons:
            raise OSError(self.reasons.pop(0), "not now")
        return super().accept()

    def client(self) -> socket.socket:
        """A client that connects."""
        client = socket.create_connection(self.getsockname())
        client.setblocking(False)
        return client


class Peers(list[asyncio.BaseTransport]):
    """The transports of the connections that have been established."""

    def __call__(self) -> asyncio.Protocol:
        peers = self

        class Peer(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                peers.append(transport)

        return Peer()


@pytest.mark.parametrize("reason", [errno.ECONNABORTED, errno.EINTR, errno.EPERM])
async def test_a_connection_that_cannot_be_accepted_is_no_obstacle_for_the_next(
    reason: int, caplog: pytest.LogCaptureFixture
) -> None:
    listener, peers = Listener(reason), Peers()
    acceptor = Acceptor(listener, peers, None, DEFAULT_LIMITS)
    await acceptor.start()
    with listener.client():
        await eventually(lambda: peers)
        acceptor.stop()
        peers[0].close()
    told = [record.getMessage() for record in caplog.records if record.name == "primus.server"]
    refused = "a connection was not accepted: [Errno 1] not now"
    assert told == ([refused] if reason == errno.EPERM else [])


async def test_a_server_that_stops_while_it_waits_for_descriptors_tries_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "RETRY", 0.0)
    loop = asyncio.get_running_loop()
    problems: list[Any] = []
    loop.set_exception_handler(lambda _, context: problems.append(context))
    listener, peers = Listener(errno.EMFILE), Peers()
    acceptor = Acceptor(listener, peers, None, DEFAULT_LIMITS)
    await acceptor.start()
    with listener.client():
        await eventually(lambda: caplog.records)
        acceptor.stop()
        acceptor.stop()
        for _ in range(3):
            await asyncio.sleep(0)
    assert (problems, peers, listener.fileno()) == ([], [], -1)


async def test_the_want_of_descriptors_is_told_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "RETRY", 0.0)
    listener, peers = Listener(errno.ENFILE, errno.ENOMEM), Peers()
    acceptor = Acceptor(listener, peers, None, DEFAULT_LIMITS)
    await acceptor.start()
    with listener.client():
        await eventually(lambda: peers)
        first = [record.getMessage() for record in caplog.records]
        monkeypatch.setattr(accepting, "QUIET", 0.0)
        listener.reasons.append(errno.EMFILE)
        with listener.client():
            await eventually(lambda: len(peers) == 2)
        acceptor.stop()
        for peer in peers:
            peer.close()
    text = "no more connections can be accepted for now:"
    assert first == [f"{text} [Errno 23] not now."]
    assert [text in record.getMessage() for record in caplog.records] == [True, True]
    assert "ulimit" in caplog.records[1].getMessage()


async def test_connections_that_come_while_there_are_no_descriptors_are_not_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener, peers = Listener(errno.EMFILE), Peers()
    acceptor = Acceptor(listener, peers, None, DEFAULT_LIMITS)
    await acceptor.start()
    with listener.client():
        await eventually(lambda: caplog.records)
        for _ in range(3):
            await asyncio.sleep(0)
        acceptor.stop()
    assert peers == []


async def test_what_was_accepted_last_is_established_before_a_server_has_closed() -> None:
    listener, peers = Listener(), Peers()
    acceptor = Acceptor(listener, peers, None, DEFAULT_LIMITS)
    with listener.client():
        listener.setblocking(False)
        acceptor._accept()
        await acceptor.close()
        assert len(peers) == 1
        peers[0].close()
    acceptor.stop()


@pytest.mark.parametrize("has_begun", [True, False])
async def test_a_tls_handshake_under_way_is_given_up_when_a_server_closes(has_begun: bool) -> None:
    server_side, _ = certificates()
    listener, peers = Listener(), Peers()
    acceptor = Acceptor(listener, peers, server_side, DEFAULT_LIMITS)
    with listener.client() as client:
        listener.setblocking(False)
        acceptor._accept()
        if has_begun:
            await asyncio.sleep(0)
        await asyncio.wait_for(acceptor.close(), 5)
        assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
    acceptor.stop()
    assert peers == []


async def test_a_tls_handshake_that_fails_leaves_no_traceback_and_others_are_accepted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "primus.server")
    server_side, client_side = certificates()
    problems: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    listener, peers = Listener(), Peers()
    acceptor = Acceptor(listener, peers, server_side, DEFAULT_LIMITS)
    await acceptor.start()
    with listener.client() as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        await eventually(lambda: "a connection was not established" in caplog.text)
    _, writer = await asyncio.open_connection(
        *listener.getsockname(), ssl=client_side, server_hostname="localhost"
    )
    await eventually(lambda: peers)
    writer.close()
    acceptor.stop()
    await acceptor.close()
    peers[0].close()
    assert problems == []
