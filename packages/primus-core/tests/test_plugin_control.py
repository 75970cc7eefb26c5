"""Control messages of plugins: ``primus::<name>::<value>`` with a name that is not the core's."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from primus import ControlTextError, Primus, hookimpl
from primus.limits import DEFAULT_LIMITS
from primus_testing import Recorder, Tracebacks, eventually, join
from primus_testing.words import Words

MakePrimus = Callable[..., Primus]


class AsyncParser:
    """JSON, decoded by coroutines."""

    def __init__(self, json: Any) -> None:
        self.encode = json.encode
        self._json = json

    async def decode(self, frame: Any) -> Any:
        await asyncio.sleep(0)
        return self._json.decode(frame)


class Busy:
    """An async listener that is let go on by hand."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, message: Any) -> None:
        await self.go.wait()


async def test_a_plugin_is_told_name_and_value_and_no_listener_is(primus: Primus) -> None:
    words = Words()
    spark, wire = join(primus.use("words", words))
    seen = Recorder(spark, "data")

    wire.receive('"primus::word::a::b"', '"primus::word::"')

    assert words.heard == [("word", "a::b"), ("word", "")]
    assert seen.story == []
    assert spark.received == 0


@pytest.mark.parametrize("text", ["ping::1", "pong::1", "id::x", "server::close", "server::x"])
async def test_the_names_of_the_core_stay_its_own(primus: Primus, text: str) -> None:
    told: list[str] = []

    class Greedy:
        @hookimpl
        def primus_control(self, name: str) -> bool:
            told.append(name)
            return True

    _, wire = join(primus.use("greedy", Greedy()))

    wire.receive(f'"primus::{text}"')

    assert told == []


@pytest.mark.parametrize("text", ["", "word", "word:", "word:x", "::x", "Word::x", "w" * 33 + "::"])
async def test_what_is_no_control_message_of_a_plugin_is_ignored(primus: Primus, text: str) -> None:
    words = Words()
    spark, wire = join(primus.use("words", words))
    seen = Recorder(spark, "data", "error")

    wire.receive(f'"primus::{text}"')

    assert words.heard == seen.story == []


async def test_the_first_plugin_that_takes_it_is_the_last_that_is_asked(primus: Primus) -> None:
    first, second = Words(), Words()
    _, wire = join(primus.use("first", first).use("second", second))

    wire.receive('"primus::word::1"', '"primus::other::1"')

    assert first.heard == [("word", "1")]
    assert second.heard == []


async def test_it_waits_behind_the_messages_that_arrived_before_it(primus: Primus) -> None:
    words, busy = Words(), Busy()
    spark, wire = join(primus.use("words", words))
    spark.on("data", busy)

    wire.receive("1", "2", '"primus::word::x"', "3", '"primus::ping::5"')

    assert words.heard == [1]
    assert wire.sent == ['"primus::pong::5"']
    busy.go.set()
    await eventually(lambda: words.heard == [1, 2, ("word", "x"), 3])


async def test_one_that_is_long_waits_undecoded_and_counts_as_no_message(primus: Primus) -> None:
    words, busy = Words(), Busy()
    spark, wire = join(primus.use("words", words))
    spark.on("data", busy)
    long = "x" * DEFAULT_LIMITS.read_ahead_bytes

    wire.receive("1", f'"primus::word::{long}"', f'"primus::ping::{long}"', "2")

    assert words.heard == [1]
    busy.go.set()
    await eventually(lambda: words.heard == [1, ("word", long), 2])
    assert wire.sent == [f'"primus::pong::{long}"']
    assert (spark.received, spark.handled) == (2, 2)


async def test_those_that_wait_count_as_messages_that_are_read_ahead(
    make_primus: MakePrimus,
) -> None:
    words, busy = Words(), Busy()
    primus = make_primus(plugin={"words": words})
    spark, wire = join(primus)
    spark.on("data", busy)

    wire.receive("1", *['"primus::word::x"'] * 10_000)

    assert wire.paused
    busy.go.set()
    await eventually(lambda: len(words.heard) == 10_001)


async def test_an_async_parser_keeps_them_in_their_place(
    make_primus: MakePrimus, primus: Primus
) -> None:
    words = Words()
    parser: Any = AsyncParser(primus.parser)
    spark, wire = join(make_primus(parser=parser, plugin={"words": words}))

    wire.receive("1", '"primus::word::x"', "2")

    await eventually(lambda: words.heard == [1, ("word", "x"), 2])
    assert spark.received == 2


async def test_those_that_wait_are_dropped_with_the_connection(primus: Primus) -> None:
    words, busy = Words(), Busy()
    spark, wire = join(primus.use("words", words))
    spark.on("data", busy)
    wire.receive("1", '"primus::word::x"')

    spark.end()
    busy.go.set()
    await eventually(lambda: not asyncio.all_tasks() - {asyncio.current_task()})

    assert words.heard == [1]


async def test_a_hook_that_raises_is_logged_and_touches_nothing_else(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    class Broken:
        @hookimpl
        def primus_control(self) -> bool:
            raise ZeroDivisionError

    spark, wire = join(primus.use("broken", Broken()))
    seen = Recorder(spark, "data")

    tracebacks.expect("a primus_control hook raised")
    wire.receive('"primus::word::x"', "1")

    assert seen.story == ["data"]


async def test_a_plugin_that_is_plugged_out_is_told_no_more(primus: Primus) -> None:
    words = Words()
    _, wire = join(primus.use("words", words))
    primus.plugout("words")

    wire.receive('"primus::word::x"')

    assert words.heard == []


async def test_it_is_sent_behind_what_was_written_and_counts_as_no_message(primus: Primus) -> None:
    spark, wire = join(primus)

    spark.write(1)
    spark.send_control("word", "a\u2028b")
    spark.send_control("word")

    assert wire.sent == ["1", '"primus::word::a\\u2028b"', '"primus::word::"']
    assert spark.sent == 1


async def test_nothing_is_sent_once_the_connection_has_ended(primus: Primus) -> None:
    spark, wire = join(primus)
    spark.end(reconnect=True)

    spark.send_control("word", "x")

    assert wire.sent == []


@pytest.mark.parametrize("name", ["ping", "pong", "id", "server", "", "a:b", "Word", "9", "w" * 33])
async def test_a_name_that_no_plugin_can_take_is_refused(primus: Primus, name: str) -> None:
    spark, wire = join(primus)

    with pytest.raises(ControlTextError, match="cannot name a control message"):
        spark.send_control(name, "x")

    assert wire.sent == []


async def test_another_thread_hands_it_over_in_its_turn(primus: Primus) -> None:
    spark, wire = join(primus)

    def elsewhere() -> None:
        spark.write(1)
        spark.send_control("word", "x")
        spark.write(2)

    await asyncio.to_thread(elsewhere)

    await eventually(lambda: wire.sent == ["1", '"primus::word::x"', "2"])


async def test_both_ends_of_a_connection_speak_it(primus: Primus) -> None:
    words = Words()
    socket = primus.use("words", words).Socket("http://memory")
    await socket.opened()
    (spark,) = primus

    socket.send_control("word", "up")
    spark.send_control("word", "down")

    await eventually(lambda: words.heard == [("word", "up")])
    await eventually(lambda: words.heard_by_socket == [("word", "down")])
    socket.destroy()


async def test_a_socket_sends_none_before_it_is_open(primus: Primus) -> None:
    words = Words()
    socket = primus.use("words", words).Socket("http://memory")

    socket.send_control("word", "early")
    socket.write("message")
    await socket.opened()

    await eventually(lambda: words.heard == ["message"])
    socket.destroy()


# -- messages behind a control message, and those that are sent again

MARK = '"primus::word::1"'


async def test_a_frame_for_many_goes_right_behind_its_mark(primus: Primus) -> None:
    pairs = [join(primus) for _ in range(2)]
    private = Recorder(pairs[0][0], "outgoing::message", "outgoing::data")
    prepared: dict[Any, Any] = {}
    marked: dict[Any, Any] = {}

    for spark, _ in pairs:
        assert spark.relay_marked("1", prepared, MARK, marked)

    assert [wire.sent for _, wire in pairs] == [[MARK, "1"]] * 2
    assert (pairs[0][0].sent, len(prepared), len(marked)) == (1, 1, 1)
    assert private.story == ["outgoing::data", "outgoing::data"]


async def test_a_frame_behind_a_mark_waits_for_its_turn_with_it(primus: Primus) -> None:
    go = asyncio.Event()

    async def slow(packet: Any) -> None:
        await go.wait()

    primus.transform("outgoing", slow)
    spark, wire = join(primus)
    spark.write("first")

    assert spark.relay_marked("1", {}, MARK, {})
    assert wire.sent == []
    go.set()
    await eventually(lambda: wire.sent == ['"first"', MARK, "1"])


async def test_neither_is_sent_to_a_slow_consumer_nor_after_the_end(
    make_primus: MakePrimus,
) -> None:
    spark, wire = join(make_primus(slow_consumer="drop", high_water=1))
    wire.clog()
    spark.write("much")

    assert not spark.relay_marked("1", {}, MARK, {})
    wire.unclog()
    assert spark.relay_marked("2", {}, MARK, {})
    spark.end(reconnect=True)
    assert not spark.relay_marked("3", {}, MARK, {})
    assert wire.sent == ['"much"', MARK, "2"]


async def test_a_mark_goes_with_what_the_transforms_leave_of_its_message(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    async def later(packet: Any) -> None:
        packet.data += "!"

    spark, wire = join(primus)
    assert spark.write_marked("plain", MARK)
    primus.transform("outgoing", later)
    primus.transform("outgoing", lambda packet: packet.data != "swallowed!")
    errors = Recorder(spark, "error")

    for data in ("a", "swallowed", "primus::id::"):
        assert spark.write_marked(data, MARK)

    await errors.next("error")
    assert wire.sent == [MARK, '"plain"', MARK, '"a!"']
    assert isinstance(errors.seen("error")[0][0], ControlTextError)


async def test_what_is_sent_again_counts_and_is_not_told_of(primus: Primus) -> None:
    spark, wire = join(primus)
    private = Recorder(spark, "outgoing::message")

    spark.write("new")
    assert spark.send_again('"old"')
    spark.send_control("word")
    primus.write("to all")

    assert wire.sent == ['"new"', '"old"', '"primus::word::"', '"to all"']
    assert private.seen("outgoing::message") == [('"new"',), ('"to all"',)]
    assert spark.sent == 3


async def test_what_waits_or_is_being_transformed_is_not_handled(primus: Primus) -> None:
    busy = Busy()
    spark, wire = join(primus)
    Recorder(spark, "error")
    spark.on("data", busy)

    wire.receive("[", "1", "2", '"primus::word::x"', "3", '"primus::ping::5"')

    assert (spark.received, spark.handled) == (3, 2)
    busy.go.set()
    await eventually(lambda: spark.handled == 4)


async def test_what_is_awaited_and_the_loss_of_the_wire_are_no_messages_that_wait(
    primus: Primus,
) -> None:
    busy, reported = Busy(), Busy()
    spark, wire = join(primus)
    spark.on("data", busy)
    spark.on("error", reported)
    wire.receive("1", "2")
    spark.emit("error", ValueError())
    assert spark.handled == 1

    wire.lose()
    assert spark.handled == 1
    busy.go.set()
    reported.go.set()
    await eventually(lambda: spark.handled == 2)
