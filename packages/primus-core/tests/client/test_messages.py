"""Messages, control text and ids."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from primus import ControlTextError, TransportError, hookimpl
from primus.errors import PluginError
from primus.limits import DEFAULT_LIMITS
from primus_testing import MemoryTransport, eventually


async def test_a_message_reaches_the_data_listeners_with_its_frame(stage: Any) -> None:
    socket, wire = await stage.opened()
    received: list[Any] = []
    socket.on("data", lambda *args: received.append(args))

    wire.receive('{"a":1}')

    assert received == [({"a": 1}, '{"a":1}')]


async def test_control_text_never_reaches_a_data_listener(stage: Any) -> None:
    socket, wire = await stage.opened()
    received: list[Any] = []
    socket.on("data", received.append)

    wire.receive('"primus::pong::1"', '"primus::unknown::1"', '"primus::"', '"primus::id::x"')

    assert received == []


async def test_the_first_frames_wait_for_the_open_listeners(stage: Any) -> None:
    socket = stage.make()
    received: list[Any] = []
    socket.on("incoming::open", lambda: stage.wire.receive("1"))
    socket.on("open", lambda: socket.on("data", received.append))

    await socket.opened()

    assert received == [1]


async def test_iteration_ends_when_the_connection_does(stage: Any) -> None:
    socket, wire = await stage.opened()
    messages = aiter(socket)
    wire.receive("1", "2", '"primus::server::close"')
    wire.lose()

    assert [message async for message in messages] == [1, 2]


async def test_iteration_goes_on_after_a_reconnection(stage: Any) -> None:
    socket, wire = await stage.opened()
    messages = aiter(socket)
    wire.receive("1")
    assert await anext(messages) == 1
    wire.lose()
    await stage.advance(1)

    stage.wire.receive("2")

    assert await anext(messages) == 2


async def test_iteration_works_again_after_opening_again(stage: Any) -> None:
    socket, _wire = await stage.opened()
    aiter(socket)
    socket.end()
    assert [message async for message in socket] == []

    await socket.open().opened()
    messages = aiter(socket)
    stage.wire.receive("3")

    assert await anext(messages) == 3


async def test_a_socket_that_waits_to_be_opened_has_messages_to_come(stage: Any) -> None:
    socket = stage.make(manual=True)
    first = asyncio.ensure_future(anext(socket))
    await stage.settle()

    await socket.opened()
    stage.wire.receive('"hello"')

    assert await first == "hello"


async def test_collected_messages_are_there_when_the_iteration_begins(stage: Any) -> None:
    socket = stage.make(manual=True)
    socket._collect()
    await socket.opened()
    stage.wire.receive("1", "2")
    stage.wire.receive('"primus::server::close"')
    stage.wire.lose()

    assert [message async for message in socket] == [1, 2]


async def test_collected_messages_go_to_the_first_listener_in_order(stage: Any) -> None:
    socket = stage.make(manual=True)
    socket._collect()
    await socket.opened()
    stage.wire.receive("1", "2")
    received: list[Any] = []

    @socket.on("data")
    async def data(message: Any) -> None:
        await asyncio.sleep(0)
        received.append(message)

    stage.wire.receive("3")
    await stage.settle()

    assert received == [1, 2, 3]


async def test_messages_that_are_collected_and_not_read_are_bounded(
    stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    socket = stage.make(manual=True, high_water=1024)
    socket._collect()
    await socket.opened()

    stage.wire.receive(*(str(number) for number in range(100)))

    messages = aiter(socket)
    assert await anext(messages) == 97
    assert caplog.text.count("nothing reads them") == 1


async def test_the_id_is_asked_for_once(stage: Any) -> None:
    socket, wire = await stage.opened()
    both = asyncio.gather(socket.id(), socket.id())
    await stage.settle()

    wire.receive('"primus::id::abc"')

    assert await both == ["abc", "abc"]
    assert await socket.id() == "abc"
    assert wire.sent == ['"primus::id::"']


async def test_a_name_that_the_wire_has_is_not_the_id(stage: Any) -> None:
    socket, wire = await stage.opened()

    class Named(type(wire)):  # type: ignore[misc]
        __slots__ = ()
        id = "the key of a session"

    wire.__class__ = Named
    asking = asyncio.ensure_future(socket.id())
    await asyncio.sleep(0)
    wire.receive('"primus::id::told"')

    assert await asking == "told"


async def test_the_id_waits_for_the_connection(stage: Any) -> None:
    socket = stage.make()
    asking = asyncio.ensure_future(socket.id())
    await socket.opened()

    stage.wire.receive('"primus::id::abc"')

    assert await asking == "abc"


async def test_the_id_changes_with_the_connection(stage: Any) -> None:
    socket, wire = await stage.opened()
    wire.receive('"primus::id::first"')
    wire.lose()
    asking = asyncio.ensure_future(socket.id())
    await stage.advance(1)

    stage.wire.receive('"primus::id::second"')

    assert await asking == "second"


async def test_the_id_fails_when_the_connection_ends(stage: Any) -> None:
    socket, _ = await stage.opened()
    asking = asyncio.ensure_future(socket.id())
    await stage.settle()

    socket.end()

    with pytest.raises(TransportError):
        await asking
    with pytest.raises(TransportError):
        await socket.id()


async def test_a_server_that_does_not_read_is_owed_one_answer_of_each_kind(stage: Any) -> None:
    socket, wire = await stage.opened(high_water=100)
    socket.write("x" * 200)
    wire.clog()
    socket.write("y" * 200)
    before = len(wire.sent)
    wire.receive(*[f'"primus::ping::{number}"' for number in range(9)])
    assert len(wire.sent) == before
    wire.unclog()
    assert wire.sent[before:] == ['"primus::pong::8"']


async def test_an_id_that_is_asked_for_twice_is_one_question(stage: Any) -> None:
    socket, wire = await stage.opened()
    asking = [asyncio.ensure_future(socket.id()) for _ in range(3)]
    await eventually(lambda: '"primus::id::"' in wire.sent)
    await asyncio.sleep(0)
    assert wire.sent.count('"primus::id::"') == 1
    wire.receive('"primus::id::me"')
    assert await asyncio.gather(*asking) == ["me"] * 3


async def test_a_wait_for_the_id_that_is_given_up_disturbs_no_other(stage: Any) -> None:
    socket, wire = await stage.opened()
    given_up, waiting = (asyncio.ensure_future(socket.id()) for _ in range(2))
    await asyncio.sleep(0)
    given_up.cancel()
    wire.receive('"primus::id::me"')
    assert await waiting == "me"


async def test_a_wait_for_the_id_that_is_given_up_does_not_fail_with_the_connection(
    stage: Any,
) -> None:
    socket, _ = await stage.opened()
    given_up, waiting = (asyncio.ensure_future(socket.id()) for _ in range(2))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    socket.end()
    with pytest.raises(TransportError, match="before the server told its id"):
        await waiting


async def test_a_wait_for_the_opening_that_is_given_up_disturbs_no_other(stage: Any) -> None:
    socket = stage.make()
    given_up, waiting = (asyncio.ensure_future(socket.opened()) for _ in range(2))
    await asyncio.sleep(0)
    given_up.cancel()
    await waiting
    assert socket.ready_state == socket.OPEN


async def test_one_kept_message_goes_to_a_listener_for_one(stage: Any) -> None:
    socket = stage.make(manual=True)
    once: list[Any] = []
    rest: list[Any] = []
    socket._collect()
    await socket.opened()
    stage.wire.receive("1", "2", "3")
    socket.once("data", once.append)
    await eventually(lambda: once == [1])
    socket.on("data", rest.append)
    await eventually(lambda: rest == [2, 3])


async def test_control_text_is_not_kept_for_the_next_connection(stage: Any) -> None:
    _socket, wire = await stage.opened()
    wire.receive('"primus::ping::1"')
    wire.lose()
    await stage.advance(1)

    assert stage.wire.sent == ['"primus::id::"']


async def test_a_frame_that_cannot_be_decoded_is_an_error(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    wire.receive("{broken", "1")

    assert heard.story == ["error"]
    assert socket.ready_state == socket.OPEN


async def test_the_private_events_are_emitted_when_they_have_listeners(stage: Any) -> None:
    socket = stage.make()
    heard: list[Any] = []
    for event in (
        "outgoing::open",
        "incoming::open",
        "outgoing::data",
        "incoming::data",
        "incoming::ping",
        "outgoing::pong",
        "incoming::id",
        "incoming::end",
        "outgoing::reconnect",
        "outgoing::end",
    ):
        socket.on(event, lambda *args, event=event: heard.append((event, *args)))

    await socket.opened()
    stage.wire.receive('"primus::ping::7"', '"primus::id::x"')
    stage.wire.lose()
    await stage.advance(1)
    socket.end()

    names = [name for name, *_ in heard]
    assert names[:3] == ["outgoing::open", "incoming::open", "outgoing::data"]
    assert ("incoming::ping", "7") in heard
    assert ("outgoing::pong", "7") in heard
    assert ("incoming::id", "x") in heard
    assert ("outgoing::data", '"primus::pong::7"') in heard
    assert names[-1] == "outgoing::end"
    assert {"incoming::end", "outgoing::reconnect"} <= set(names)


async def test_reserved_names_are_those_of_a_client(stage: Any) -> None:
    socket = stage.make(manual=True)

    assert socket.reserved("reconnect scheduled")
    assert socket.reserved("incoming::anything")
    assert not socket.reserved("connection")


async def test_pipe_writes_what_arrives_and_ends_with_the_connection(stage: Any) -> None:
    socket, wire = await stage.opened()
    written: list[Any] = []

    class Sink:
        def write(self, data: Any) -> None:
            written.append(data)

        def end(self) -> None:
            written.append("end")

    assert isinstance(socket.pipe(Sink()), Sink)
    wire.receive("1")
    socket.end()

    assert written == [1, "end"]


class Greeter:
    """A plugin with a client half."""

    @hookimpl
    def primus_options(self) -> dict[str, object]:
        return {"greeting": "hello"}

    @hookimpl
    def primus_extend_socket(self) -> dict[str, object]:
        return {"greet": lambda socket: socket.write(socket.greeting)}

    @hookimpl
    def primus_socket(self, socket: Any, options: Any) -> None:
        socket.greeting = options["greeting"]


async def test_the_client_half_of_a_plugin_extends_the_sockets_of_its_class(stage: Any) -> None:
    greeter = Greeter()
    socket = stage.make(facts={"plugins": {"greeter": greeter}}, greeting="welcome")

    socket.greet()
    await socket.opened()

    assert stage.wire.sent[0] == '"welcome"'
    assert socket.plugin("greeter") is greeter
    assert dict(socket.plugin()) == {"greeter": greeter}
    assert not hasattr(stage.make(manual=True), "greet")


async def test_a_plugin_may_replace_what_a_socket_has_but_not_what_another_gives(
    stage: Any,
) -> None:
    class Greedy:
        @hookimpl
        def primus_extend_socket(self) -> dict[str, object]:
            return {"write": lambda socket, data: data}

    assert stage.make(facts={"plugins": {"greedy": Greedy()}}, manual=True).write("mine") == "mine"
    with pytest.raises(PluginError, match="'write' already"):
        stage.kind(plugins={"greedy": Greedy(), "as greedy": Greedy()})


class Answers:
    """A plugin: texts overtake, and lost wires are noted."""

    def __init__(self) -> None:
        self.lost: list[Any] = []

    @hookimpl
    def primus_overtakes(self, data: Any) -> bool:
        return isinstance(data, str)

    @hookimpl
    def primus_lost(self, connection: Any) -> None:
        self.lost.append((connection, connection.ready_state))


async def test_hooks_of_a_plugin_let_answers_overtake_and_hear_of_a_lost_wire(stage: Any) -> None:
    answers = Answers()
    socket = stage.make(facts={"plugins": {"answers": answers}})
    await socket.opened()
    seen: list[Any] = []
    go = asyncio.Event()

    @socket.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        if message == 1:
            await go.wait()

    stage.wire.receive("1", "2", '"three"')
    await eventually(lambda: seen == [1, "three"])
    stage.wire.lose()

    assert answers.lost == [(socket, socket.OPEN)]
    go.set()
    await eventually(lambda: seen == [1, "three", 2])
    socket.end()
    assert answers.lost == [(socket, socket.OPEN)]


async def test_a_plugin_hears_of_each_round_trip_that_was_asked_for(stage: Any) -> None:
    class Measurements:
        @hookimpl
        def primus_latency(self, connection: Any, seconds: float) -> None:
            story.append((connection, seconds))

    story: list[Any] = []
    socket = stage.make(facts={"plugins": {"measurements": Measurements()}})
    await socket.opened()

    await stage.advance(0.5)
    stage.wire.receive('"primus::id::abc"', '"primus::id::abc"')

    assert story == [(socket, 0.5)]
    assert socket.latency == 0.5


@pytest.mark.parametrize("text", ["primus::server::close", "primus::id::", "primus::"])
async def test_text_that_the_server_would_obey_is_refused(stage: Any, text: str) -> None:
    early = stage.make()
    with pytest.raises(ControlTextError):
        early.write(text)
    socket, wire = await stage.opened()
    with pytest.raises(ControlTextError):
        socket.write(text)
    with pytest.raises(ControlTextError):
        socket.end(text)
    socket.write([text])
    assert wire.sent == ['"primus::id::"', f'["{text}"]']


async def test_messages_can_be_held_while_the_socket_is_open_and_control_text_goes_on(
    stage: Any,
) -> None:
    socket = stage.make(queue_size=2)
    socket.hold_messages()
    for number in range(3):
        socket.write(number)
    await socket.opened()
    sent = len(stage.wire.sent)
    assert "1" not in stage.wire.sent

    stage.wire.receive('"primus::ping::5"')
    assert stage.wire.sent[sent:] == ['"primus::pong::5"']
    socket.release_messages()
    socket.write("after")

    assert stage.wire.sent[sent + 1 :] == ["1", "2", '"after"']


async def test_what_is_held_is_sent_before_the_socket_ends(stage: Any) -> None:
    socket, wire = await stage.opened()
    socket.hold_messages()
    socket.write("held")
    sent = len(wire.sent)

    socket.end("last")

    assert wire.sent[sent:] == ['"held"', '"last"']


async def test_releasing_before_the_socket_is_open_sends_nothing_early(stage: Any) -> None:
    socket = stage.make()
    socket.hold_messages()
    socket.write("held")
    socket.release_messages()

    await socket.opened()

    assert stage.wire.sent[0] == '"held"'


async def test_messages_are_held_until_each_that_holds_them_has_released_them(stage: Any) -> None:
    socket, wire = await stage.opened()
    socket.hold_messages("one")
    socket.hold_messages("two")
    sent = len(wire.sent)
    socket.write("held")

    socket.release_messages("one")
    socket.write("as well")
    assert wire.sent[sent:] == []
    socket.release_messages("two")

    assert wire.sent[sent:] == ['"held"', '"as well"']


async def test_what_is_written_first_goes_ahead_of_all_that_waits(stage: Any) -> None:
    socket = stage.make(queue_size=1)
    socket.hold_messages()
    socket.write("dropped")
    socket.write("waits")
    socket.write_first("first")
    assert socket.kept == (2, 1)
    await socket.opened()
    sent = len(stage.wire.sent)

    socket.send_first()
    assert stage.wire.sent[sent:] == ['"first"']
    socket.release_messages()

    assert stage.wire.sent[sent:] == ['"first"', '"waits"']


async def test_what_is_written_first_passes_what_an_async_transform_has(stage: Any) -> None:
    socket, wire = await stage.opened()
    going: list[asyncio.Future[None]] = []

    @socket.transform("outgoing")
    async def slow(packet: Any) -> None:
        going.append(asyncio.get_running_loop().create_future())
        await going[-1]

    socket.write("one")
    socket.write("two")
    await stage.settle()
    wire.lose()
    await stage.settle()
    socket.write_first("first")
    await stage.advance(1.0)
    assert stage.wire is not wire
    one, first = going

    def sent() -> list[str]:
        return [frame for frame in stage.wire.sent if "primus::" not in frame]

    one.set_result(None)
    await stage.settle()
    assert sent() == []
    first.set_result(None)
    await stage.settle()
    assert sent() == ['"first"', '"one"']
    going[2].set_result(None)
    await stage.settle()
    assert sent() == ['"first"', '"one"', '"two"']


async def test_what_is_transformed_when_the_socket_ends_is_not_written_first_and_holds_nothing(
    stage: Any,
) -> None:
    socket, wire = await stage.opened()

    @socket.transform("outgoing")
    async def slow(packet: Any) -> None:
        if packet.data == "first":
            await asyncio.get_running_loop().create_future()

    socket.once("close", lambda: socket.write_first("first"))
    wire.lose()
    await stage.settle()
    socket._network(False)
    socket._network(True)
    await stage.advance(1.0)
    socket.write("sent")
    await stage.settle()

    assert stage.wire is not wire
    assert [frame for frame in stage.wire.sent if "primus::" not in frame] == ['"sent"']


async def test_what_is_written_first_is_dropped_when_the_socket_ends(stage: Any) -> None:
    socket, wire = await stage.opened()
    socket.once("close", lambda: [socket.write("waits"), socket.write_first("first")])
    wire.lose()
    await stage.settle()

    socket._network(False)
    socket._network(True)
    await stage.advance(1.0)

    assert stage.wire is not wire
    assert [frame for frame in stage.wire.sent if "primus::" not in frame] == ['"waits"']


class Careful:
    """A parser without a form for control text, which takes its time for a message."""

    def __init__(self) -> None:
        self.taking: list[asyncio.Future[None]] = []

    async def _slow(self, frame: str) -> str:
        self.taking.append(asyncio.get_running_loop().create_future())
        await self.taking[-1]
        return frame

    def encode(self, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError("no text")
        return self._slow(str(value))

    def decode(self, frame: Any) -> Any:
        return frame


async def test_control_text_that_has_no_form_is_an_error_and_nothing_more(stage: Any) -> None:
    socket = stage.make(parser=Careful())
    errors: list[Any] = []
    received: list[Any] = []
    socket.on("error", errors.append)
    socket.on("data", received.append)
    await socket.opened()
    del errors[:]

    stage.wire.receive("primus::ping::1", "next")

    assert len(errors) == 1
    assert received == ["next"]
    assert stage.wire.sent == []


async def test_a_queue_that_an_async_parser_has_sent_leaves_the_connection_open(
    stage: Any,
) -> None:
    parser = Careful()
    socket = stage.make(parser=parser)
    socket.write(1)
    await socket.opened()
    parser.taking[-1].set_result(None)
    await stage.settle()

    assert stage.wire.sent == ["1"]
    assert stage.wire.closed is None
    assert socket.ready_state == socket.OPEN


async def test_what_is_written_goes_behind_what_an_async_parser_still_has_of_the_queue(
    stage: Any,
) -> None:
    parser = Careful()
    socket = stage.make(parser=parser)
    socket.write(1)
    await socket.opened()
    (first,) = parser.taking[-1:]

    socket.write(2)
    socket.hold_messages()
    socket.end()
    for taking in reversed(parser.taking):
        if taking is not first:
            taking.set_result(None)
    await stage.settle()
    assert stage.wire.sent == []
    first.set_result(None)
    await stage.settle()
    for taking in parser.taking:
        if not taking.done():
            taking.set_result(None)
    await stage.settle()

    assert stage.wire.sent == ["1", "2"]
    assert stage.wire.closed is not None


async def test_what_is_written_while_the_wire_opens_goes_behind_what_waits(stage: Any) -> None:
    socket = stage.make()
    socket.on("incoming::open", lambda: socket.write("second"))
    socket.write("first")

    await socket.opened()

    assert stage.wire.sent[:2] == ['"first"', '"second"']


async def test_what_waits_behind_a_message_that_breaks_the_wire_goes_by_the_next(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = stage.make(reconnect={"min": 1, "max": 1})
    socket.write("first")
    socket.write("second")
    sends = MemoryTransport.send

    def breaks_first(wire: MemoryTransport, frame: str | bytes) -> None:
        if wire is stage.dialler.wires[0]:
            wire.lose()
        else:
            sends(wire, frame)

    monkeypatch.setattr(MemoryTransport, "send", breaks_first)
    await stage.settle()
    await stage.advance(2)

    assert stage.wire.sent[0] == '"second"'


async def test_what_an_end_has_dropped_no_longer_counts_as_waiting(stage: Any) -> None:
    socket, wire = await stage.opened()
    gates = [asyncio.Event(), asyncio.Event()]
    socket.on("data", lambda number: gates[number].wait())
    half = "1" + " " * (DEFAULT_LIMITS.read_ahead_bytes // 2)
    wire.receive("0", half)
    socket.end()
    gates[0].set()
    await stage.settle()

    socket.open()
    await stage.settle()
    stage.wire.receive("1", half)

    assert not stage.wire.paused
    gates[1].set()
    await stage.settle()


async def test_the_next_wire_is_paused_too_while_a_listener_is_busy(stage: Any) -> None:
    socket, wire = await stage.opened(reconnect={"min": 1, "max": 1})
    gates = [asyncio.Event(), asyncio.Event()]
    socket.on("data", lambda number: gates[number].wait())
    long = "1" + " " * DEFAULT_LIMITS.read_ahead_bytes
    wire.receive("0", long)
    gates[0].set()
    await stage.settle()
    assert (wire.paused, socket.handled) == (True, 2)
    wire.lose()
    await stage.advance(2)

    assert not stage.wire.paused
    stage.wire.receive(long)
    assert stage.wire.paused
    gates[1].set()
    await stage.settle()
    assert (stage.wire.paused, socket.handled) == (False, 3)


async def test_a_listener_of_an_error_goes_on_when_its_connection_ends(stage: Any) -> None:
    socket, wire = await stage.opened()
    busy, begun, go_on, done = [asyncio.Event() for _ in range(4)]
    socket.on("data", lambda message: busy.wait())

    @socket.on("error")
    async def error(error: Exception) -> None:
        begun.set()
        await go_on.wait()
        done.set()

    wire.receive("1")
    socket.emit("error", ValueError())
    await begun.wait()
    socket.end()
    busy.set()
    go_on.set()
    await stage.settle()

    assert done.is_set()


async def test_a_message_behind_a_busy_listener_is_not_delivered_after_our_own_end(
    stage: Any,
) -> None:
    socket, wire = await stage.opened()
    seen: list[Any] = []
    free = asyncio.Event()

    @socket.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        await free.wait()

    wire.receive("1", "2")
    socket.end()
    free.set()
    await stage.settle()

    assert seen == [1]


async def test_messages_are_no_longer_collected_once_something_reads_them(stage: Any) -> None:
    socket = stage.make(manual=True)
    socket._collect()
    await socket.open().opened()

    socket.on("data", lambda message: None)

    assert len(socket.listeners("data")) == 1
