"""Several processes on one port, and behind proxies that read the name of the process."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.inbox import DEADLINE
from harness.served import Served, engineio_session, serving, sockjs_session, together
from primus import Primus

pytestmark = pytest.mark.asyncio(loop_scope="session")

SESSIONS = {"engine.io": engineio_session, "sockjs": sockjs_session}


@pytest.mark.parametrize("transformer", SESSIONS)
async def test_sixty_sessions_of_sixty_survive_whichever_worker_a_request_comes_to(
    transformer: str, tmp_path: Path
) -> None:
    session = SESSIONS[transformer]
    async with serving(tmp_path, "--transformer", transformer, "--workers", "4") as served:
        apart = await together(session, served.url, kept=False)
        shared = await together(session, served.url, kept=True)

    for nodes in (apart, shared):
        assert len(nodes) == 60
        assert set(nodes) <= {"w0", "w1", "w2", "w3"}
    assert len(set(apart)) > 1


async def test_websockets_are_shared_out_and_stay_where_they_are(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "4") as served:
        sockets = [client(served) for _ in range(60)]
        first = await asyncio.gather(*(asked(socket, "first") for socket in sockets))
        again = await asyncio.gather(*(asked(socket, "again") for socket in sockets))
        for socket in sockets:
            socket.destroy()

    assert first == again
    assert len(set(first)) > 1


def client(served: Served, transformer: str = "websockets") -> Any:
    """A client of ours, which keeps what its server has said."""
    socket = Primus.create_socket(transformer=transformer)(served.url)
    socket.heard = asyncio.Queue()
    socket.on("data", socket.heard.put_nowait)
    return socket


async def asked(socket: Any, message: str) -> str:
    """The name of the worker that a client talks to."""
    socket.write(message)
    async with asyncio.timeout(2 * DEADLINE):
        while True:
            node, echoed = await socket.heard.get()
            if echoed == message:
                return str(node)
