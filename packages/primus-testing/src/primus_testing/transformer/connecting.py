"""Connections: what a spark knows of its client, and how it begins and ends."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio

import pytest

from primus.errors import HandshakeError, TransportError
from primus.server.spark import Spark
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.transformer.base import Contract, Serve, dial, echo, meet

__all__ = ["ConnectingContract"]


class ConnectingContract(Contract):
    """Sparks come and go."""

    async def test_a_connection_makes_one_spark_that_is_open(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        assert met.spark.ready_state == Spark.OPEN
        assert list(server.primus) == [met.spark]
        assert server.primus.connected == len(server.primus) == 1

    async def test_a_spark_has_an_id_by_which_the_server_finds_it(self, serve: Serve) -> None:
        server = await serve()
        one, two = await meet(server), await meet(server)
        assert one.spark.id != two.spark.id
        assert server.primus.spark(one.spark.id) is one.spark
        assert server.primus.spark("unknown") is None

    async def test_a_client_that_asks_is_told_the_id_of_its_spark(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.peer.send('"primus::id::"')
        assert await met.peer.receive() == f'"primus::id::{met.spark.id}"'
        assert met.events.seen("data") == []

    async def test_a_client_half_reads_nothing_before_it_is_told_to(self, serve: Serve) -> None:
        server = await serve()
        other = await server.peer()
        server.primus.on("connection", lambda spark: spark.write("early"))
        peer = await server.peer(reads=False)
        for _ in range(50):  # what the server has written has come by then
            await other.id()
        assert peer.arrived == 0
        peer.resume()
        assert await peer.receive() == '"early"'

    async def test_ids_come_from_the_id_generator_when_there_is_one(self, serve: Serve) -> None:
        server = await serve(id_generator=iter(["first", "second"]).__next__)
        assert (await meet(server)).spark.id == "first"
        assert (await meet(server)).spark.id == "second"

    async def test_the_query_string_reaches_the_spark(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server, "?foo=bar&many=1&many=2&empty=&name=J%C3%BCrgen+K")
        query = met.spark.query
        assert query["foo"] == "bar"
        assert query["many"] == ["1", "2"]
        assert query["empty"] == ""
        assert query["name"] == "Jürgen K"

    async def test_the_headers_of_the_request_reach_the_spark(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        assert met.spark.headers["HOST"] == f"127.0.0.1:{server.port}"
        assert "host" in met.spark.headers

    async def test_the_request_stays_usable_while_the_spark_lives(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server, "?foo=bar")
        await met.peer.id()
        request = met.spark.request
        assert request.method in ("GET", "POST")
        assert request.path.startswith("/primus")
        assert request.query["foo"] == "bar"
        assert request.headers is met.spark.headers

    async def test_the_address_is_that_of_the_client(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        assert met.spark.address.ip == "127.0.0.1"
        assert met.spark.address.port not in (0, server.port)

    async def test_clients_can_connect_over_ipv6(self, serve: Serve) -> None:
        server = await serve(host="::1")
        met = await meet(server)
        assert met.spark.address.ip == "::1"

    async def test_user_and_password_in_the_url_become_basic_authorization(
        self, serve: Serve
    ) -> None:
        server = await serve()
        seen = Recorder(server.primus, "connection")
        url = f"http://usr:pass@127.0.0.1:{server.port}/primus"
        await dial(server, url)
        spark = await seen.one("connection")
        assert spark.headers["Authorization"] == "Basic dXNyOnBhc3M="

    async def test_another_pathname_works_like_the_default(self, serve: Serve) -> None:
        server = await serve(pathname="/deep/down")
        met = await meet(server)
        assert met.spark.request.path.startswith("/deep/down")

    async def test_a_trailing_slash_is_taken_for_the_same_place(self, serve: Serve) -> None:
        server = await serve()
        seen = Recorder(server.primus, "connection")
        await dial(server, server.url + "/primus/?foo=bar")
        assert (await seen.one("connection")).query["foo"] == "bar"

    async def test_nothing_listens_at_a_dead_address(self, serve: Serve) -> None:
        server = await serve()
        url = server.url + "/primus"
        await server.stop()
        with pytest.raises(TransportError):
            await dial(server, url)

    async def test_outside_of_the_pathname_there_is_nothing_to_connect_to(
        self, serve: Serve
    ) -> None:
        server = await serve()
        with pytest.raises(HandshakeError) as refused:
            await dial(server, server.url + "/elsewhere")
        assert refused.value.status == 404
        assert len(server.primus) == 0

    async def test_end_is_emitted_once_when_the_client_closes(self, serve: Serve) -> None:
        server = await serve()
        left = Recorder(server.primus, "disconnection")
        met = await meet(server)
        met.peer.close()
        assert await left.one("disconnection") is met.spark
        assert await met.events.next("end") == ()
        assert met.spark.ready_state == Spark.CLOSED
        assert len(server.primus) == 0
        assert server.primus.spark(met.spark.id) is None
        assert met.events.seen("error") == []

    async def test_end_is_emitted_once_when_the_wire_breaks(self, serve: Serve) -> None:
        server = await serve()
        left = Recorder(server.primus, "disconnection")
        met = await meet(server)
        met.peer.abort()
        await left.next("disconnection")
        assert met.events.story.count("end") == 1
        assert len(left.seen("disconnection")) == 1

    async def test_end_tells_the_client_not_to_come_back_and_closes(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.end()
        assert await met.peer.gone() == ['"primus::server::close"']
        assert met.events.story == ["readyStateChange", "end"]
        assert met.events.seen("readyStateChange") == [(Spark.CLOSED,)]

    async def test_end_with_reconnect_closes_without_a_word(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.end(reconnect=True)
        assert await met.peer.gone() == []

    async def test_a_last_message_arrives_before_the_close(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.write("one")
        met.spark.end({"last": "words"})
        assert await met.peer.gone() == ['"one"', '{"last":"words"}', '"primus::server::close"']

    async def test_ending_more_than_once_does_nothing_more(self, serve: Serve) -> None:
        server = await serve()
        left = Recorder(server.primus, "disconnection")
        met = await meet(server)
        for _ in range(5):
            met.spark.end("bye")
        assert await met.peer.gone() == ['"bye"', '"primus::server::close"']
        assert met.events.story.count("end") == 1
        assert len(left.seen("disconnection")) == 1

    async def test_a_spark_can_be_ended_while_it_connects(self, serve: Serve) -> None:
        server = await serve()
        server.primus.on("connection", lambda spark: spark.end("too many"))
        peer = await server.peer()
        assert await peer.gone() == ['"too many"', '"primus::server::close"']
        assert len(server.primus) == 0

    async def test_writing_to_a_spark_that_has_ended_is_refused(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        late: list[bool] = []
        met.spark.on("end", lambda: late.append(met.spark.write("I should not crash")))
        met.peer.close()
        await met.events.next("end")
        late.append(met.spark.write("nor should I"))
        met.spark.end("nor I")
        assert late == [False, False]

    async def test_data_that_arrives_just_before_the_client_closes_is_delivered(
        self, serve: Serve
    ) -> None:
        server = await serve()
        met = await meet(server)
        met.peer.send("1", "2", "3")
        met.peer.close()
        await met.events.next("end")
        assert [data for data, _ in met.events.seen("data")] == [1, 2, 3]
        assert met.events.story[-1] == "end"

    async def test_destroy_ends_every_spark_and_emits_close(self, serve: Serve) -> None:
        server = await serve()
        closed = Recorder(server.primus, "close")
        one, two = await meet(server), await meet(server)
        await server.primus.destroy()
        assert await one.peer.gone() == await two.peer.gone() == ['"primus::server::close"']
        assert len(closed.seen("close")) == 1
        assert closed.seen("close")[0][0]["reconnect"] is False
        assert len(server.primus) == 0

    @pytest.mark.parametrize("event", ["connection", "data", "disconnection"])
    async def test_a_listener_can_wait_for_the_end_of_its_server(
        self, serve: Serve, event: str
    ) -> None:
        server = await serve()
        ended = asyncio.Event()

        async def end(*args: object) -> None:
            await server.primus.destroy()
            ended.set()

        if event == "data":
            server.primus.on("connection", lambda spark: spark.on("data", end) and None)
        else:
            server.primus.on(event, end)
        peer = await server.peer()
        peer.send('"x"')
        if event == "disconnection":
            await eventually(lambda: len(server.primus) == 1)
            peer.close()
        async with asyncio.timeout(DEADLINE):
            await ended.wait()

    async def test_destroy_with_reconnect_lets_the_clients_come_back(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        await server.primus.destroy(reconnect=True)
        assert await met.peer.gone() == []

    async def test_destroying_twice_waits_for_the_first(self, serve: Serve) -> None:
        server = await serve()
        closed = Recorder(server.primus, "close")
        await meet(server)
        await asyncio.gather(server.primus.destroy(), server.primus.destroy())
        await server.primus.destroy()
        assert len(closed.seen("close")) == 1

    async def test_a_server_that_drains_refuses_newcomers_and_serves_the_others(
        self, serve: Serve
    ) -> None:
        server = await serve()
        echo(server.primus)
        met = await meet(server)
        stopping = asyncio.ensure_future(server.primus.destroy(timeout=DEADLINE))
        await eventually(lambda: server.primus.draining)
        with pytest.raises(HandshakeError) as refused:
            await server.peer()
        assert refused.value.status == 503
        met.peer.send('"still here"')
        assert await met.peer.receive() == '"still here"'
        assert not stopping.done()
        met.peer.close()
        async with asyncio.timeout(DEADLINE / 2):
            await stopping

    async def test_connections_that_do_not_end_by_themselves_are_ended_in_time(
        self, serve: Serve
    ) -> None:
        server = await serve()
        met = await meet(server)
        await server.primus.destroy(timeout=0.01)
        assert await met.peer.gone() == ['"primus::server::close"']
