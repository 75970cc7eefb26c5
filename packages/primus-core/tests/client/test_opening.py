"""How a socket opens, fails to open, and ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from primus import ConnectTimeout, HandshakeError, OptionError, PrimusError, TransportError


async def test_a_socket_opens_on_the_next_turn(stage: Any, story: Any) -> None:
    socket = stage.make()
    heard = story(socket)

    assert socket.ready_state == socket.CLOSED
    await heard.next("open")

    assert socket.ready_state == socket.OPEN
    assert heard.story == ["open"]


async def test_a_manual_socket_opens_when_it_is_told_to(stage: Any, story: Any) -> None:
    socket = stage.make(manual=True)
    heard = story(socket)
    await stage.settle()
    assert stage.dialler.dials == []

    assert socket.open() is socket
    await heard.next("open")


async def test_opening_an_open_socket_changes_nothing(stage: Any) -> None:
    socket, _ = await stage.opened()

    socket.open()
    await stage.settle()

    assert len(stage.dialler.dials) == 1


async def test_ready_states_are_told_in_their_order(stage: Any) -> None:
    states: list[int] = []
    socket = stage.make()
    socket.on("readyStateChange", states.append)

    await socket.opened()
    socket.end()

    assert states == [socket.OPENING, socket.OPEN, socket.CLOSED]


async def test_what_is_written_before_the_opening_arrives_before_what_open_listeners_write(
    stage: Any,
) -> None:
    socket = stage.make()
    socket.on("open", lambda: socket.write("third"))
    socket.write("first")
    assert socket.write({"second": 2}) is True

    await socket.opened()

    assert stage.wire.sent[:3] == ['"first"', '{"second":2}', '"third"']


async def test_the_queue_keeps_the_newest_messages(stage: Any) -> None:
    socket = stage.make(queue_size=2)
    for number in range(5):
        socket.write(number)

    await socket.opened()

    assert stage.wire.sent[:2] == ["3", "4"]


async def test_messages_pass_the_transforms_when_they_are_written(stage: Any) -> None:
    socket = stage.make()
    seen: list[Any] = []

    @socket.transform("outgoing")
    def shout(packet: Any, _: Any) -> None:
        packet.data = packet.data.upper()
        seen.append(packet.data)

    socket.write("hello")
    assert seen == ["HELLO"]

    await socket.opened()
    assert stage.wire.sent[0] == '"HELLO"'
    assert seen == ["HELLO"]


async def test_an_async_parser_keeps_the_order_of_what_was_queued(stage: Any) -> None:
    class Slow:
        async def encode(self, value: Any) -> str:
            await asyncio.sleep(0)
            return str(value)

        async def decode(self, frame: Any) -> Any:
            return frame

    socket = stage.make(parser=Slow())
    for number in range(3):
        socket.write(number)
    socket.on("open", lambda: socket.write("last"))

    await socket.opened()
    socket.end("the end")
    await stage.settle()

    messages = [frame for frame in stage.wire.sent if not frame.startswith("primus::")]
    assert messages == ["0", "1", "2", "last", "the end"]
    assert stage.wire.closed is not None


async def test_a_failed_first_attempt_is_an_error_and_tried_again(stage: Any, story: Any) -> None:
    stage.dialler.answer = OSError("unreachable")
    socket = stage.make()
    heard = story(socket)

    (error,) = await heard.next("error")

    assert isinstance(error, TransportError)
    assert heard.story == ["error", "reconnect scheduled"]
    assert socket.ready_state == socket.CLOSED


async def test_a_failed_first_attempt_is_final_without_the_strategy_timeout(
    stage: Any, story: Any
) -> None:
    stage.dialler.answer = HandshakeError("refused", status=401, body=b"{}")
    socket = stage.make(strategy="disconnect, online")
    heard = story(socket)

    (error,) = await heard.next("error")

    assert error.status == 401
    assert heard.story == ["error", "close", "end"]


async def test_a_server_with_authorization_is_not_tried_again(stage: Any, story: Any) -> None:
    stage.dialler.answer = HandshakeError("refused", status=401)
    heard = story(stage.make(facts={"authorization": True}))

    await heard.next("end")

    assert heard.story == ["error", "close", "end"]


async def test_a_mistake_in_the_transport_options_is_not_tried_again(
    stage: Any, story: Any
) -> None:
    stage.dialler.answer = OptionError("unknown transport option")
    heard = story(stage.make())

    await heard.next("end")

    assert heard.story == ["error", "close", "end"]


async def test_a_first_attempt_that_takes_too_long_is_given_up(stage: Any, story: Any) -> None:
    stage.dialler.answer = None
    socket = stage.make(timeout=3)
    heard = story(socket)
    await stage.settle()

    await stage.advance(3)

    assert heard.story == ["timeout", "reconnect scheduled"]
    assert stage.dialler.given_up == 1


async def test_a_process_that_is_busy_while_it_connects_does_not_give_up_at_once(
    stage: Any, story: Any
) -> None:
    stage.dialler.answer = None
    heard = story(stage.make(timeout=3))
    await stage.settle()

    stage.clock.block(60)
    await stage.advance(0.9)
    assert heard.story == []
    await stage.advance(0.1)

    assert heard.story[0] == "timeout"


async def test_a_first_attempt_that_takes_too_long_may_be_final(stage: Any, story: Any) -> None:
    stage.dialler.answer = None
    heard = story(stage.make(timeout=3, strategy=False))
    await stage.settle()

    await stage.advance(3)

    assert heard.story == ["timeout", "close", "end"]


async def test_waiting_for_the_opening_raises_what_went_wrong(stage: Any) -> None:
    stage.dialler.answer = HandshakeError("refused", status=403)
    with pytest.raises(HandshakeError):
        await stage.make().opened()

    stage.dialler.answer = None
    waiting = asyncio.ensure_future(stage.make(timeout=2).opened())
    await stage.settle()
    stage.clock.advance(2)
    with pytest.raises(ConnectTimeout):
        await waiting


async def test_waiting_for_the_opening_ends_with_the_socket(stage: Any) -> None:
    stage.dialler.answer = None
    socket = stage.make()
    waiting = asyncio.ensure_future(socket.opened())
    await stage.settle()

    socket.end()

    with pytest.raises(TransportError):
        await waiting


async def test_ending_while_opening_gives_the_attempt_up(stage: Any, story: Any) -> None:
    stage.dialler.answer = None
    socket = stage.make()
    heard = story(socket)
    await stage.settle()

    socket.end()
    await socket.wait_closed()

    assert heard.story == ["close", "end"]
    assert stage.dialler.given_up == 1


async def test_ending_before_the_opening_has_begun_cancels_it(stage: Any, story: Any) -> None:
    socket = stage.make()
    heard = story(socket)

    socket.end()
    await stage.settle()

    assert heard.story == ["close", "end"]
    assert stage.dialler.dials == []


async def test_end_sends_what_was_written_and_a_last_message(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    socket.write("almost")
    socket.end("last")

    assert wire.sent[-2:] == ['"almost"', '"last"']
    assert wire.closed is not None
    assert heard.story == ["close", "end"]


async def test_end_waits_for_an_async_transform(stage: Any) -> None:
    socket, wire = await stage.opened()

    @socket.transform("outgoing")
    async def slow(packet: Any, _: Any) -> None:
        await asyncio.sleep(0)

    socket.write("slow")
    socket.end("last")
    assert wire.closed is None
    await stage.settle()

    assert wire.sent[-2:] == ['"slow"', '"last"']
    assert wire.closed is not None


async def test_end_is_told_once(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)
    socket.on("close", socket.end)
    socket.on("end", socket.end)

    socket.end()
    socket.end()
    wire.lose()
    socket.destroy()

    assert heard.story == ["close", "end", "destroy"]


async def test_an_ended_socket_can_be_opened_again(stage: Any, story: Any) -> None:
    socket, first = await stage.opened()
    socket.end()
    heard = story(socket)

    socket.open()
    socket.write("again")
    await heard.next("open")

    assert stage.wire is not first
    assert stage.wire.sent[0] == '"again"'


async def test_opening_again_in_the_end_listener_works(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened()
    heard = story(socket)
    socket.once("end", socket.open)

    socket.end()
    await heard.next("open")

    assert heard.story == ["close", "end", "open"]


async def test_a_wire_that_still_closes_is_not_mistaken_for_the_next_one(stage: Any) -> None:
    socket, first = await stage.opened()
    received: list[Any] = []
    socket.on("data", received.append)
    first.clog()
    socket.end()
    await socket.open().opened()

    first.receive('"stale"')
    first.lose()

    assert received == []
    assert socket.ready_state == socket.OPEN


async def test_a_wire_that_opens_after_the_end_is_dropped(stage: Any) -> None:
    socket = stage.make()
    socket.on("outgoing::open", socket.end)
    await stage.settle()
    assert stage.wire.aborted
    assert stage.wire.connection is None


async def test_messages_kept_for_a_reader_are_not_delivered_after_our_own_end(stage: Any) -> None:
    socket = stage.make(manual=True)
    socket._collect()
    await socket.open().opened()
    stage.wire.receive("1", "2", "3")
    seen: list[Any] = []

    @socket.on("data")
    def data(message: Any) -> None:
        seen.append(message)
        socket.end()

    await stage.settle()
    assert seen == [1]


async def test_destroy_ends_and_removes_all_listeners(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    assert socket.destroy() is True
    assert socket.destroy() is False

    assert heard.story == ["close", "end", "destroy"]
    assert socket.listeners("end") == ()
    assert socket.write("late") is False
    assert wire.closed is not None
    with pytest.raises(PrimusError, match="destroyed"):
        socket.open()


async def test_the_block_of_a_socket_begins_open_and_ends_closed(stage: Any) -> None:
    async with stage.make() as socket:
        assert socket.ready_state == socket.OPEN

    assert socket.ready_state == socket.CLOSED
    assert stage.wire.gone


async def test_a_block_that_cannot_begin_raises_and_leaves_nothing(stage: Any) -> None:
    stage.dialler.answer = HandshakeError("refused", status=401)
    socket = stage.make()

    with pytest.raises(HandshakeError):
        async with socket:
            pytest.fail("it did not open")

    assert stage.clock.pending == 0


async def test_outgoing_url_may_change_where_the_socket_connects_to(stage: Any) -> None:
    socket = stage.make("wss://user:secret@server:81/ignored?a=1&b=%20", manual=True)

    @socket.on("outgoing::url")
    def change(address: Any) -> None:
        address.host = "other"
        address.query += "&c=3"

    await socket.opened()

    dialled = stage.dialler.dials[0].url
    assert dialled.startswith("https://other/primus?a=1&b=%20&_primuscb=")
    assert dialled.endswith("&c=3")


async def test_unknown_options_are_refused_by_name(stage: Any) -> None:
    with pytest.raises(OptionError, match="Did you mean 'timeout'"):
        stage.make(timeuot=3)
    with pytest.raises(OptionError, match="scheme"):
        stage.make("ftp://server")
    with pytest.raises(OptionError, match="made for a server"):
        stage.make(parser=None, transformer="websockets")


async def test_a_last_message_is_not_kept_for_a_connection_that_is_made_again(stage: Any) -> None:
    socket, wire = await stage.opened()
    wire.lose()

    socket.end("last")
    await socket.open().opened()
    await stage.settle()

    assert '"last"' not in stage.wire.sent


async def test_the_block_of_a_socket_ends_when_its_wire_is_gone(stage: Any) -> None:
    socket = stage.make()
    async with socket:
        wire = stage.wire
        wire.clog()
        socket.write("x")

        async def read() -> bool:
            await stage.settle()
            is_over = block.done()
            wire.unclog()
            return is_over

        block = asyncio.ensure_future(socket.wait_closed())
        await block
        block = asyncio.get_running_loop().create_future()
        reading = asyncio.ensure_future(read())
    block.set_result(None)

    assert reading.done()
    assert await reading is False


async def test_no_timeout_means_that_an_attempt_may_take_for_ever(stage: Any, story: Any) -> None:
    stage.dialler.answer = None
    heard = story(stage.make(timeout=False))

    await stage.advance(100_000)

    assert heard.story == []


@pytest.mark.parametrize("last", [0, False, "", [], {}])
async def test_a_last_message_may_be_anything_but_none(stage: Any, last: Any) -> None:
    socket, wire = await stage.opened()

    socket.end(last)

    assert json.loads(wire.sent[-1]) == last


async def test_a_block_that_is_cancelled_while_it_begins_gives_the_attempt_up(stage: Any) -> None:
    stage.dialler.answer = None
    socket = stage.make()
    beginning = asyncio.ensure_future(socket.__aenter__())
    await stage.settle()

    beginning.cancel()
    await asyncio.wait([beginning])
    await stage.settle()

    assert socket.ready_state == socket.CLOSED
    assert stage.dialler.given_up == 1


async def test_a_wire_that_opens_after_the_end_and_is_lost_at_once_is_no_error(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = stage.dialler.open

    async def opens_and_breaks(*args: Any) -> None:
        (await opens(*args)).lose()

    monkeypatch.setattr(stage.dialler, "open", opens_and_breaks)
    socket = stage.make()
    socket.on("outgoing::open", socket.end)
    await stage.settle()

    assert stage.wire.gone
    assert socket.ready_state == socket.CLOSED


async def test_a_refusal_is_the_end_with_its_status(stage: Any) -> None:
    stage.dialler.answer = HandshakeError("refused", status=401)
    socket = stage.make(strategy="disconnect")
    await stage.settle()

    assert (socket.closed.code, socket.closed.status) == ("refused", 401)
