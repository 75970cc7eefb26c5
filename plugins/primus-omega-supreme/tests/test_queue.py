"""What becomes of messages for servers that are busy, frozen, or gone."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from primus_omega_supreme import ForwardError
from primus_testing import eventually

pytestmark = pytest.mark.usefixtures("tracebacks")


@pytest.fixture
async def server(make_primus: Any) -> AsyncIterator[Any]:
    """A server in memory, whose clock stands still."""
    primus = make_primus()
    yield primus
    await primus.destroy()


async def idle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def passed_over(server: Any, peer: Any) -> None:
    """Freeze a peer, and wait until it is passed over."""
    peer.freeze()
    lost = server.forward(peer.url, "lost")
    await peer.asked(len(peer.requests) + 1)
    server.options.clock.advance(2.0)
    with pytest.raises(ForwardError, match=r"cannot be reached: no answer within 2\.0 s"):
        await lost


async def test_a_server_gets_one_request_at_a_time_and_all_messages_in_their_order(
    server: Any, peer: Any
) -> None:
    replies = [server.forward(peer.url, number + 1) for number in range(30)]

    for reply in replies:
        assert await reply == {"ok": True, "send": 1}

    assert peer.messages == list(range(1, 31))
    assert peer.most_under_way == 1


async def test_a_server_of_ours_gets_what_waits_for_it_as_batches(server: Any, peer: Any) -> None:
    peer.takes_batches = True
    await server.forward(peer.url, "first")
    replies = [server.forward(peer.url, number + 1) for number in range(600)]

    for reply in replies:
        assert await reply == {"ok": True, "send": 1}

    assert peer.messages == ["first", *range(1, 601)]
    assert len(peer.requests) < 10
    assert max(len(body.get("batch", [])) for body in peer.requests) <= 256


async def test_a_batch_has_so_many_bytes_at_most(server: Any, peer: Any) -> None:
    peer.takes_batches = True
    await server.forward(peer.url, "first")
    long = "x" * 20_000

    await asyncio.gather(*(server.forward(peer.url, long) for _ in range(12)))

    assert [len(body.get("batch", [body])) for body in peer.requests] == [1, 3, 3, 3, 3]


async def test_a_batch_that_is_refused_goes_message_by_message(server: Any, peer: Any) -> None:
    peer.takes_batches = True
    await server.forward(peer.url, "first")
    peer.takes_batches = False  # another server is at the address by now

    replies = [server.forward(peer.url, number + 1) for number in range(3)]

    assert [(await reply)["send"] for reply in replies] == [1, 1, 1]
    assert peer.requests[1] == {"batch": [{"msg": n, "sparks": ""} for n in (1, 2, 3)]}
    assert peer.requests[2:] == [{"msg": n, "sparks": ""} for n in (1, 2, 3)]


async def test_equal_messages_for_different_sparks_are_one_request(server: Any, peer: Any) -> None:
    replies = [
        server.forward(peer.url, "x", "a"),
        server.forward(peer.url, "x", ["b", "c"]),
        server.forward(peer.url, "y", "d"),
        server.forward(peer.url, "y", "d"),
        server.forward(peer.url, "y"),
    ]

    assert [(await reply)["send"] for reply in replies] == [1, 2, 1, 1, 1]
    assert peer.requests == [
        {"msg": "x", "sparks": ["a", "b", "c"]},
        {"msg": "y", "sparks": "d"},
        {"msg": "y", "sparks": "d"},
        {"msg": "y", "sparks": ""},
    ]


async def test_a_frozen_server_delays_no_other(server: Any, peer: Any, start_peer: Any) -> None:
    other = await start_peer()
    peer.freeze()
    both = [server.forward([peer.url, other.url], number + 1) for number in range(30)]

    await eventually(lambda: other.messages == list(range(1, 31)))

    assert peer.messages == [1]
    peer.thaw()
    assert [(await reply)["send"] for reply in both] == [2] * 30
    assert peer.messages == list(range(1, 31))


async def test_what_waits_for_a_frozen_server_is_sent_once_it_answers_again(
    server: Any, peer: Any
) -> None:
    await passed_over(server, peer)
    replies = [server.forward(peer.url, number + 1) for number in range(5)]
    await idle()
    assert peer.messages == ["lost"]

    server.options.clock.advance(0.1)
    await peer.asked(2)
    assert peer.requests[1] == {"msg": "are you there", "sparks": []}
    peer.thaw()

    assert [(await reply)["send"] for reply in replies] == [1] * 5
    assert peer.messages == ["lost", 1, 2, 3, 4, 5]


async def test_a_server_that_stays_frozen_is_asked_less_and_less_often(
    server: Any, peer: Any
) -> None:
    await passed_over(server, peer)
    server.forward(peer.url, "waits")
    for asked, pause in enumerate((0.1, 0.2, 0.4, 0.8, 1.0), start=1):
        await idle()
        server.options.clock.advance(pause * 0.9)
        await idle()
        assert len(peer.requests) == asked
        server.options.clock.advance(pause * 0.2)
        await peer.asked(asked + 1)
        server.options.clock.advance(2.0)
        await eventually(lambda: server.options.clock.pending)


async def test_a_message_waits_no_longer_than_it_may(server: Any, peer: Any) -> None:
    await passed_over(server, peer)
    waits = asyncio.ensure_future(server.forward(peer.url, "waits"))

    async def unreached() -> None:
        with pytest.raises(ForwardError, match=r"no answer within 10\.0 s"):
            await waits

    for _ in range(12):
        await idle()
        server.options.clock.advance(1.0)
    await unreached()


async def test_what_finds_no_room_is_dropped_counted_and_told_once(
    make_primus: Any, peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus(forward_queue=3000)
    peer.freeze()
    replies = [primus.forward(peer.url, number + 1) for number in range(20)]
    dropped = 0
    for reply in replies[5:]:
        with pytest.raises(ForwardError, match="dropped, 3000 bytes wait already"):
            await reply
        dropped += 1
    await peer.asked(1)
    peer.thaw()

    assert [(await reply)["send"] for reply in replies[:5]] == [1] * 5
    assert peer.messages == [1, 2, 3, 4, 5]
    assert primus.forward.dropped == dropped == 15
    assert caplog.text.count("what does not find room is dropped") == 1
    assert caplog.text.count("15 messages were dropped") == 1
    await primus.destroy()


async def test_an_outage_is_one_line_in_the_log_until_it_is_over(
    server: Any, peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "primus.server")
    peer.freeze()
    for _ in range(3):
        forwarding = server.forward(peer.url, "x")
        while not forwarding._task.done():
            server.options.clock.advance(0.5)
            await idle()
    peer.thaw()
    while not server.forward(peer.url, "y")._task.done() and "takes messages" not in caplog.text:
        server.options.clock.advance(0.1)
        await idle()

    assert caplog.text.count("no answer within") == 1


async def test_a_server_that_is_gone_fails_at_once_and_is_one_line_in_the_log(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for number in range(20):
            forwarding = server.forward(url, number + 1)
            await eventually(forwarding._task.done)

    assert caplog.text.count("cannot be reached") == 1


async def test_what_waits_is_sent_before_the_server_ends(make_primus: Any, peer: Any) -> None:
    primus = make_primus()
    for number in range(20):
        primus.forward(peer.url, number + 1)

    await primus.destroy()

    assert peer.messages == list(range(1, 21))


async def test_a_server_that_ends_does_not_wait_for_one_that_is_passed_over(
    make_primus: Any, peer: Any
) -> None:
    primus = make_primus()
    await passed_over(primus, peer)
    waits = primus.forward(peer.url, "waits")

    await primus.destroy()

    with pytest.raises(ForwardError, match="this server is ending"):
        await waits


async def test_queues_of_servers_that_are_not_used_go_when_there_are_too_many(
    server: Any, peer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus_omega_supreme.sender.MOST", 4)
    await server.forward(peer.url, "first")
    sender = server.forward._sender
    (url,) = sender._queues
    others = {f"http://{name}/": OtherQueue(is_idle=name != "busy") for name in ("busy", "a", "b")}
    sender._queues = {**others, **sender._queues}
    sender._queues["http://a/"].dropped = 3

    assert sender.dropped == 3
    sender._open("http://new/")

    assert list(sender._queues) == ["http://busy/", url]
    assert sender.dropped == 3
    sender._queues = {"http://busy/": others["http://busy/"], "http://b/": others["http://b/"]}
    sender._open("http://new/")
    assert list(sender._queues) == ["http://busy/", "http://b/"]  # there is room
    sender._queues = {}


class OtherQueue:
    """The queue of another server."""

    def __init__(self, *, is_idle: bool) -> None:
        self.is_idle = is_idle
        self.dropped = 0
