"""Over real connections."""

import pytest

from primus import HandshakeError
from primus_testing import Recorder
from primus_testing.plugin import ServerFactory

SOON = {"min": 0.001, "max": 0.002}


async def test_messages_arrive_in_order_through_delays_on_every_way(
    primus_server: ServerFactory,
) -> None:
    server = await primus_server(plugin="chaos", chaos_delay=(0.0, 0.002), chaos_seed=3)
    server.primus.on("connection", lambda spark: spark.on("data", spark.write))
    socket = server.primus.Socket(server.url, chaos_delay=(0.0, 0.002), chaos_seed=4)
    events = Recorder(socket, "data")

    for number in range(20):
        socket.write(number)

    assert [await events.one("data") for _ in range(20)] == list(range(20))
    socket.destroy()


async def test_a_client_whose_connection_is_cut_by_the_server_comes_back(
    primus_server: ServerFactory,
) -> None:
    server = await primus_server(plugin="chaos")
    socket = server.primus.Socket(server.url, reconnect=SOON)
    events = Recorder(socket, "open", "close", "reconnected", "end")
    await events.next("open")

    for spark in server.primus:
        spark.cut()
    await events.next("reconnected")

    assert events.story[:2] == ["open", "close"]
    assert "end" not in events.story
    assert server.primus.chaos.cuts == 1
    socket.destroy()


async def test_a_client_that_cuts_itself_off_comes_back(primus_server: ServerFactory) -> None:
    server = await primus_server(plugin="chaos")
    socket = server.primus.Socket(server.url, reconnect=SOON)
    events = Recorder(socket, "open", "close", "reconnected", "end")
    await events.next("open")

    socket.cut()
    await events.next("reconnected")

    assert "end" not in events.story
    socket.destroy()


async def test_requests_and_handshakes_are_refused(primus_server: ServerFactory) -> None:
    server = await primus_server(plugin="chaos", chaos_refuse=1.0)

    answer = await server.get("/primus/")
    socket = server.primus.Socket(server.url, strategy=False)
    with pytest.raises(HandshakeError, match="503"):
        await socket.opened()

    assert answer.status == 503
    assert server.primus.chaos.refused == 2
    socket.destroy()
