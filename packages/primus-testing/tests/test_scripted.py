"""The end of the server that answers by a script."""

import asyncio
import socket

import pytest

from primus_testing.scripted import stop_accepting


async def test_a_connection_that_is_accepted_in_the_turn_of_the_end_is_served() -> None:
    served = asyncio.Event()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the loop has accepted it, and has not begun with it

        await stop_accepting(server)

        async with asyncio.timeout(5):
            await served.wait()
    assert not server.is_serving()


async def test_a_loop_without_readers_closes_its_servers_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def remove_reader(listener: object) -> bool:
        raise NotImplementedError

    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "remove_reader", remove_reader)
        await stop_accepting(server)
        assert not server.is_serving()
