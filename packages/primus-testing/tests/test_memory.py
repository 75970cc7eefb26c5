"""The fakes behave as the interface of a transport says."""

from typing import Any

import pytest

from primus import HandshakeError, Primus, Request, Spark, TransportError, Unauthorized
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    Peer,
    Recorder,
    Tracebacks,
    join,
    memory_pair,
)


@pytest.fixture
def primus(manual_clock: ManualClock, tracebacks: Tracebacks) -> Primus:
    return Primus(transformer=MemoryTransformer, clock=manual_clock)


async def pair() -> tuple[Peer, Peer]:
    one, two = Peer(), Peer()
    first, second = memory_pair()
    for peer, wire in ((one, first), (two, second)):
        peer.attach(wire)
        peer._become(3)
    return one, two


async def test_a_pair_carries_frames_both_ways() -> None:
    one, two = await pair()
    one.send("there", b"\x00")
    two.send("back")
    assert [await two.receive(), await two.receive()] == ["there", b"\x00"]
    assert await one.receive() == "back"


async def test_frames_that_were_sent_before_the_close_arrive() -> None:
    one, two = await pair()
    one.send("1", "2")
    one.close()
    one.send("3")
    assert await two.gone() == ["1", "2"]
    assert await one.gone() == []


async def test_an_end_that_is_paused_gets_its_frames_later() -> None:
    one, two = await pair()
    two.pause()
    one.send("1")
    one.close()
    assert not two._arrived
    two.resume()
    assert await two.gone() == ["1"]


async def test_a_wire_that_is_lost_ends_both_sides_with_the_reason() -> None:
    one, two = await pair()
    wire = one._transport
    error = TransportError("broken")
    wire.lose(error)  # type: ignore[union-attr]
    wire.lose(error)  # type: ignore[union-attr]
    assert await one.gone() == await two.gone() == []
    assert one.error is error
    assert two.error is None


async def test_a_clogged_wire_holds_frames_and_the_close_back() -> None:
    one, two = await pair()
    wire = one._transport
    assert wire is not None
    wire.limit(10)
    wire.clog()  # type: ignore[attr-defined]
    one.send("x" * 20)
    assert one.buffered == 20
    assert one.is_congested
    wire.unclog()  # type: ignore[attr-defined]
    assert not one.is_congested
    assert await two.receive() == "x" * 20


async def test_an_abort_loses_what_is_clogged() -> None:
    one, two = await pair()
    one._transport.clog()  # type: ignore[union-attr]
    one.send("lost")
    one.abort()
    assert await two.gone() == []


def test_a_frame_that_arrives_while_another_is_handled_waits_for_its_turn(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    steps: list[Any] = []

    @spark.on("data")
    def nested(message: int) -> None:
        steps.append(("in", message))
        if message == 1:
            wire.receive("2")
        steps.append(("out", message))

    wire.receive("1")
    assert steps == [("in", 1), ("out", 1), ("in", 2), ("out", 2)]


def test_joining_gives_a_spark_and_its_wire(primus: Primus) -> None:
    seen = Recorder(primus, "connection")
    spark, wire = join(primus, "/primus?a=1", headers={"Host": "x"}, ip="10.0.0.1")
    assert seen.seen("connection") == [(spark,)]
    assert (spark.query, spark.headers["host"], spark.address.ip) == ({"a": "1"}, "x", "10.0.0.1")
    wire.seen()
    assert wire.connection is spark


async def test_a_peer_reaches_a_primus_through_its_middleware(primus: Primus) -> None:
    primus.on("connection", lambda spark: spark.on("data", spark.write))
    asked: list[Request] = []
    primus.authorize(asked.append)
    peer = await Peer.open(MemoryTransformer, "http://usr:p%20w@memory/primus?a=1")
    peer.send('"hello"')
    assert await peer.receive() == '"hello"'
    assert asked[0].query == {"a": "1"}
    assert asked[0].headers["Authorization"] == "Basic dXNyOnAgdw=="
    assert await peer.id() == next(iter(primus)).id
    await primus.destroy()
    assert await peer.gone() == ['"primus::server::close"']


async def test_a_refusal_is_an_error_of_the_handshake(primus: Primus) -> None:
    @primus.authorize
    def authorize(request: Request) -> None:
        raise Unauthorized("no", authenticate="Basic")

    with pytest.raises(HandshakeError) as caught:
        await Peer.open(MemoryTransformer, "http://memory/primus")
    assert caught.value.status == 401
    assert caught.value.body == b'{"error":"no"}'
    assert caught.value.headers["WWW-Authenticate"] == "Basic"


async def test_a_primus_is_reached_by_its_name(tracebacks: Tracebacks) -> None:
    one = Primus(transformer=MemoryTransformer, transport={"host": "one"})
    two = Primus(transformer=MemoryTransformer, transport={"host": "two"})
    assert isinstance(two.transformer, MemoryTransformer)
    await Peer.open(MemoryTransformer, two.transformer.url + "/primus")
    assert (len(one), len(two)) == (0, 1)
    await one.destroy()
    await two.destroy()
    with pytest.raises(TransportError, match="there is no Primus called 'two'"):
        await Peer.open(MemoryTransformer, two.transformer.url + "/primus")


async def test_a_socket_talks_to_a_primus_without_a_network(primus: Primus) -> None:
    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.write("welcome")
        spark.on("data", spark.write)

    socket = primus.Socket("http://memory")
    seen = Recorder(socket, "data", "end")
    socket.write("hello")
    assert [await seen.one("data") for _ in range(2)] == ["welcome", "hello"]
    socket.end()
    await seen.next("end")
    assert len(primus) == 0


async def test_a_plain_request_needs_an_upgrade(primus: Primus) -> None:
    from primus_testing import make_request

    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 426
    assert primus.library()
