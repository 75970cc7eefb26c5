from pathlib import Path
from typing import Any

import pytest

from primus import PluginError, Primus, Spark
from primus_rooms import MemoryAdapter, RoomsError, RoomsSpark
from primus_testing import ManualClock, MemoryTransformer, MemoryTransport, Recorder, join

pytestmark = pytest.mark.usefixtures("tracebacks")


def crowd(primus: Any, count: int) -> tuple[list[Any], list[MemoryTransport]]:
    joined = [join(primus) for _ in range(count)]
    return [spark for spark, _ in joined], [wire for _, wire in joined]


def got(wires: list[MemoryTransport]) -> list[list[Any]]:
    return [wire.sent for wire in wires]


# -- members


def test_a_spark_joins_and_leaves(primus: Any) -> None:
    spark, _ = join(primus)

    assert spark.join("news") is True
    assert spark.rooms() == ["news"]
    assert spark.leave("news") is True
    assert spark.rooms() == []
    assert primus.rooms() == []


def test_a_spark_leaves_a_room_without_a_look_at_its_others(primus: Any) -> None:
    compared = []

    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            compared.append(other)
            return str.__eq__(self, other)

    spark, _ = join(primus)
    spark.join([f"room {number}" for number in range(1000)])

    primus.adapter.remove(spark.id, Name("room 500"))

    assert len(spark.rooms()) == 999
    assert len(compared) < 10


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ("news sport", ["news", "sport"]),
        ("  news   news ", ["news"]),
        (7, ["7"]),
        (["a room", 7], ["a room", "7"]),
        ("", []),
        ([""], []),
        ((), []),
    ],
)
def test_names_come_in_many_forms(primus: Any, given: Any, joined: list[str]) -> None:
    spark, _ = join(primus)

    spark.join(given)

    assert spark.rooms() == joined


@pytest.mark.parametrize("given", [None, True, 1.5, b"news", [None], [["news"]], object()])
def test_what_is_no_name_is_refused(primus: Any, given: Any) -> None:
    spark, _ = join(primus)

    with pytest.raises(RoomsError, match="must be a"):
        spark.join(given)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_what_a_client_gives_for_a_name_is_a_short_error_however_deep_it_is(
    primus: Any, opening: str
) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]
    errors: list[str] = []
    spark, wire = join(primus)

    @spark.on("data")
    def data(room: Any) -> None:
        try:
            spark.join([room])
        except RoomsError as error:
            errors.append(str(error))

    wire.receive(f"{opening * 1000}1{closing * 1000}", f"[{'1,' * 9999}1]")

    assert len(errors) == 2
    assert all(len(error) < 200 for error in errors)

    assert primus.rooms() == []


def test_leaving_a_room_without_a_name_leaves_none(primus: Any) -> None:
    spark, _ = join(primus)
    spark.join("news sport")

    spark.leave("")

    assert spark.rooms() == ["news", "sport"]


def test_many_sparks_join_and_leave_by_their_ids_or_as_they_are(primus: Any) -> None:
    (one, two, three), _ = crowd(primus, 3)

    assert primus.join([one, two.id, three], "news sport") is True
    assert primus.clients("news") == [one.id, two.id, three.id]
    assert primus.leave([one.id, two], "sport") is True
    assert primus.clients("news sport") == {
        "news": [one.id, two.id, three.id],
        "sport": [three.id],
    }


def test_one_spark_joins_by_its_id(primus: Any) -> None:
    spark, _ = join(primus)

    primus.join(spark.id, "news")

    assert primus.rooms(spark) == primus.rooms(spark.id) == ["news"]


def test_an_unknown_id_is_in_no_room_and_joins_none(primus: Any) -> None:
    spark, _ = join(primus)
    spark.join("news")
    told = Recorder(primus, "roomserror", "leaveroom")

    assert primus.rooms("unknown") == []
    assert primus.join("unknown", "news") is False
    assert primus.leave("unknown", "news") is True
    assert told.story == ["roomserror"]
    assert primus.clients("news") == [spark.id]


def test_leaving_all_leaves_all(primus: Any) -> None:
    (one, two), _ = crowd(primus, 2)
    primus.join([one, two], "news sport")

    one.leave_all()

    assert one.rooms() == []
    assert two.rooms() == ["news", "sport"]


def test_nothing_stays_of_a_spark_that_has_ended(primus: Any) -> None:
    (one, two), _ = crowd(primus, 2)
    one.join("news sport")
    two.join("news user:*", wildcard=True)
    told = Recorder(primus, "leaveallrooms", "leaveroom")

    one.end()
    two.end()

    assert told.seen("leaveallrooms") == [
        (["news", "sport"], one),
        (["news", "user:*"], two),
    ]
    assert told.seen("leaveroom") == []
    assert primus.rooms() == []
    assert vars(primus.adapter) == {"_members": {}, "_rooms": {}, "_patterns": {}}


def test_a_spark_that_was_in_no_room_leaves_all_of_none(primus: Any) -> None:
    spark, wire = join(primus)
    told = Recorder(spark, "leaveallrooms")

    wire.lose()

    assert told.seen("leaveallrooms") == [([],)]


def test_a_spark_that_has_ended_cannot_join(primus: Any) -> None:
    spark, _ = join(primus)
    told, overheard = Recorder(spark, "roomserror"), Recorder(primus, "roomserror")
    spark.end()

    assert spark.join("news") is False

    ((error,),) = told.seen("roomserror")
    assert str(error) == "Spark is closed"
    assert overheard.seen("roomserror") == [(error, spark)]
    assert primus.rooms() == []


def test_an_error_without_a_listener_is_a_line_in_the_log(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    spark, _ = join(primus)
    spark.end()

    spark.join("news")

    assert [record.getMessage() for record in caplog.records] == ["rooms: Spark is closed"]


@pytest.mark.parametrize("hears", ["the spark", "the server"])
def test_an_error_that_is_heard_on_either_is_no_line_in_the_log(
    primus: Any, hears: str, caplog: pytest.LogCaptureFixture
) -> None:
    spark, _ = join(primus)
    told = Recorder(spark if hears == "the spark" else primus, "roomserror")
    spark.end()

    spark.join("news")

    assert told.story == ["roomserror"]
    assert caplog.text == ""


def test_joining_and_leaving_are_events_of_the_spark_and_of_the_server(primus: Any) -> None:
    spark, _ = join(primus)
    names = ("joinroom", "leaveroom", "leaveallrooms")
    told, overheard = Recorder(spark, *names), Recorder(primus, *names)

    spark.join("news sport")
    spark.leave("never-joined")
    spark.leave_all()

    assert told.story == ["joinroom", "joinroom", "leaveroom", "leaveallrooms"]
    assert told.seen("joinroom") == [("news",), ("sport",)]
    assert overheard.seen("joinroom") == [("news", spark), ("sport", spark)]
    assert overheard.seen("leaveroom") == [("never-joined", spark)]
    assert overheard.seen("leaveallrooms") == [(["news", "sport"], spark)]


@pytest.mark.parametrize("name", ["joinroom", "leaveroom", "leaveallrooms", "roomserror"])
def test_its_events_are_reserved_on_this_server_only(primus: Any, name: str) -> None:
    spark, _ = join(primus)

    assert primus.reserved(name)
    assert spark.reserved(name)
    assert not Primus(transformer=MemoryTransformer).reserved(name)
    assert name not in Spark.events


# -- writing


def test_a_message_reaches_those_in_the_room_and_the_sender_too(primus: Any) -> None:
    (one, two, _), wires = crowd(primus, 3)
    primus.join([one, two], "news")

    assert one.room("news").write({"a": 1}) == 2

    assert got(wires) == [['{"a":1}'], ['{"a":1}'], []]


def test_each_gets_a_message_to_several_rooms_once(primus: Any) -> None:
    (one, two, three), wires = crowd(primus, 3)
    one.join("news sport")
    two.join("sport")
    three.join("art")

    primus.room("news sport").write("x")
    primus.in_("news").in_("sport").write("y")

    assert got(wires) == [['"x"', '"y"'], ['"x"', '"y"'], []]


def test_some_are_left_out(primus: Any) -> None:
    (one, two, three, four), wires = crowd(primus, 4)
    primus.join([one, two, three, four], "news")

    primus.room("news").except_(one).write("a")
    primus.room("news").except_(f"{one.id} {two.id}").write("b")
    primus.room("news").except_([one, two.id]).except_(three.id).write("c")
    one.except_(one).write("d")

    assert got(wires) == [[], ['"a"', '"d"'], ['"a"', '"b"', '"d"'], ['"a"', '"b"', '"c"', '"d"']]


def test_without_a_room_the_members_of_all_rooms_are_selected(primus: Any) -> None:
    (one, two, _), wires = crowd(primus, 3)
    one.join("news")
    two.join("sport")

    primus.except_([]).write("x")

    assert got(wires) == [['"x"'], ['"x"'], []]


@pytest.mark.parametrize("nothing", ["", " ", [], [""]])
def test_a_room_without_a_name_does_not_stand_for_all(primus: Any, nothing: Any) -> None:
    spark, wire = join(primus)
    spark.join("news")

    assert primus.room(nothing).write("x") == 0
    primus.room(nothing).empty()

    assert wire.sent == []
    assert primus.rooms() == ["news"]


def test_a_message_from_a_spark_that_has_ended_goes_nowhere(primus: Any) -> None:
    (one, two), wires = crowd(primus, 2)
    two.join("news")
    one.end()

    assert one.room("news").write("x") == 0

    assert wires[1].sent == []


def test_a_message_to_a_thousand_is_encoded_and_framed_once(
    make_primus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Any] = []

    class Counting:
        name = "counting"
        binary = False

        def encode(self, value: Any) -> str:
            encoded.append(value)
            return '"x"'

        def decode(self, frame: str | bytes) -> Any:
            return frame

    primus = make_primus(parser=Counting())
    sparks, wires = crowd(primus, 1000)
    _, outside = join(primus)
    primus.join(sparks, "news sport")
    framed = MemoryTransport.prepared

    assert primus.room("news sport").write({"a": 1}) == 1000

    assert encoded == [{"a": 1}]
    assert MemoryTransport.prepared == framed + 1
    assert all(wire.sent == ['"x"'] for wire in wires)
    assert outside.sent == []


def test_a_selection_can_be_kept_and_never_changes(primus: Any) -> None:
    (one, two), wires = crowd(primus, 2)
    one.join("news")
    two.join("sport")
    news = primus.room("news")

    both, none = news.room("sport"), news.except_(one)
    news.write("a")
    with pytest.raises(RoomsError):
        both.send("event", print)
    primus.room("sport").empty()
    none.write("b")

    assert got(wires) == [['"a"'], []]
    assert primus.rooms() == ["news"]


# -- asking and emptying


def test_a_selection_tells_its_members(primus: Any) -> None:
    (one, two), _ = crowd(primus, 2)
    one.join("news sport")
    two.join("news")

    assert primus.room("news").clients() == one.room("news").clients() == [one.id, two.id]
    assert primus.room("news sport art").clients() == {
        "news": [one.id, two.id],
        "sport": [one.id],
        "art": [],
    }
    assert primus.clients() == {}
    assert one.clients("sport") == [one.id]


def test_a_room_is_empty_or_not(primus: Any) -> None:
    spark, _ = join(primus)
    spark.join("news")

    assert primus.is_room_empty("news") is False
    assert spark.is_room_empty("sport") is True
    assert primus.room("sport").is_room_empty() is True
    assert primus.is_room_empty("sport news") is False


def test_rooms_are_emptied_without_an_event(primus: Any) -> None:
    (one, two), _ = crowd(primus, 2)
    primus.join([one, two], "news sport art")
    told = Recorder(primus, "leaveroom", "leaveallrooms")

    primus.empty("news sport")
    assert primus.rooms() == ["art"]
    primus.room("art").empty()
    assert primus.rooms() == one.rooms() == []
    primus.join([one, two], "news")
    primus.empty()

    assert primus.rooms() == two.rooms() == []
    assert told.story == []


def test_a_selection_of_a_spark_is_joined_and_left(primus: Any) -> None:
    spark, _ = join(primus)

    assert spark.room("news").room("sport").join() is True
    assert spark.rooms() == ["news", "sport"]
    assert spark.in_("sport").leave() is True
    assert spark.rooms() == ["news"]
    with pytest.raises(RoomsError, match="only a spark joins and leaves"):
        primus.room("news").join()


# -- wildcards


def test_a_name_is_no_pattern_unless_asked_for(primus: Any) -> None:
    (one, two), wires = crowd(primus, 2)
    one.join("*")
    two.join("user:1")

    primus.room("user:1").write("x")
    one.leave("*")

    assert got(wires) == [[], ['"x"']]
    assert primus.rooms() == ["user:1"]


def test_a_spark_that_joins_by_a_wildcard_gets_what_goes_to_rooms_that_it_fits(
    primus: Any,
) -> None:
    (one, two, three), wires = crowd(primus, 3)
    one.join("user:*", wildcard=True)
    two.join("user:*:*", wildcard=True)
    three.join("user:*")

    primus.room("user:jb:abc").write("a")
    primus.room("user:jb").write("b")
    primus.room("users").write("c")

    assert got(wires) == [['"a"', '"b"'], ['"a"'], []]
    assert primus.clients("user:jb") == []
    assert primus.is_room_empty("user:jb")


def test_the_option_makes_every_star_a_wildcard(make_primus: Any) -> None:
    primus = make_primus(rooms={"wildcard": True, "wild_delete": True})
    (one, two), wires = crowd(primus, 2)
    one.join("user:*")
    two.join("user:*", wildcard=False)
    one.join("news")

    primus.room("user:7").write("x")
    one.leave("user:*")

    assert got(wires) == [['"x"'], []]
    assert one.rooms() == ["news"]


def test_leaving_by_a_wildcard_leaves_all_that_it_fits(primus: Any) -> None:
    spark, _ = join(primus)
    spark.join("user:1 user:2 news")

    spark.leave("user:*", wildcard=True)

    assert spark.rooms() == ["news"]


def test_joining_again_without_the_wildcard_takes_it_back(primus: Any) -> None:
    spark, wire = join(primus)
    spark.join("user:*", wildcard=True)
    spark.join("user:*")

    primus.room("user:1").write("x")

    assert wire.sent == []


@pytest.mark.parametrize("name", ["par(en*", "x.*", "[*", "\\*", "a**b*"])
def test_nothing_but_a_star_is_special(primus: Any, name: str) -> None:
    spark, wire = join(primus)
    spark.join(name, wildcard=True)

    primus.room("xzq").write("no")
    primus.room(name.replace("*", "-")).write("yes")

    assert wire.sent == ['"yes"']


def test_a_pattern_of_many_stars_takes_no_time(primus: Any) -> None:
    spark, wire = join(primus)
    spark.join("*a" * 50, wildcard=True)

    primus.room("a" * 5000 + "b").write("no")

    assert wire.sent == []


# -- options, and the end


@pytest.mark.parametrize(
    "given",
    [
        None,
        "memory",
        {"adapter": object()},
        {"wildcards": True},
        {"max_rooms": 0},
        {"max_rooms": True},
        {"max_rooms": "7"},
    ],
)
def test_settings_that_cannot_work_are_refused(make_primus: Any, given: Any) -> None:
    from primus import OptionError

    with pytest.raises(OptionError, match="rooms"):
        make_primus(rooms=given)


def test_a_spark_is_in_as_many_rooms_as_it_may_be_and_no_more(make_primus: Any) -> None:
    primus = make_primus(rooms={"max_rooms": 3})
    (one, _), (two, _) = join(primus), join(primus)
    one.join("a b")

    with pytest.raises(RoomsError, match=rf"{one.id} would be in 4 rooms; at most 3 .*max_rooms"):
        one.join("b c d")

    assert one.rooms() == ["a", "b"]
    assert one.join("a b c") is True
    assert two.join("a b c") is True
    one.leave("a")
    assert one.join("d") is True
    primus.empty("b c")
    assert one.join("e f") is True
    assert sorted(one.rooms()) == ["d", "e", "f"]


def test_an_adapter_that_does_not_tell_at_once_counts_no_rooms(make_primus: Any) -> None:
    from primus import OptionError
    from primus_rooms import Adapter

    asked = type("Asked", (Adapter,), dict.fromkeys(Adapter.__abstractmethods__))
    with pytest.raises(OptionError, match="does not tell at once"):
        make_primus(rooms={"max_rooms": 3, "adapter": asked()})


def test_the_adapter_may_be_replaced_by_another(primus: Any) -> None:
    from primus_rooms import MemoryAdapter

    spark, _ = join(primus)
    spark.join("news")

    primus.adapter = MemoryAdapter()
    assert primus.rooms() == []
    primus.adapter = "none"
    with pytest.raises(RoomsError, match=r"must be a primus_rooms\.Adapter"):
        primus.rooms()
    primus.adapter = MemoryAdapter()
    primus.plugout("rooms")

    assert not hasattr(primus, "adapter")


def test_a_primus_that_has_such_a_member_already_is_left_alone() -> None:
    from primus import PluginError

    primus: Any = Primus(transformer=MemoryTransformer)
    primus.room = "mine"

    with pytest.raises(PluginError, match="has an attribute 'room' already"):
        primus.use("rooms")

    assert primus.room == "mine"
    assert not hasattr(primus, "join")


async def test_taking_it_out_leaves_every_room(primus: Any) -> None:
    spark, _ = join(primus)
    spark.join("news")
    adapter = primus.adapter

    primus.plugout("rooms")

    assert adapter.rooms() == []
    assert not hasattr(spark, "join")
    spark.end()
    await primus.destroy()


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 1),
        ({"rooms": {"adapter": MemoryAdapter()}}, 0),
        ({"plugin": "rooms, backplane", "backplane": "redis://127.0.0.1:1"}, 0),
    ],
)
async def test_rooms_in_memory_tell_once_that_other_processes_share_the_port(
    make_primus: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    count: int,
) -> None:
    monkeypatch.setattr("primus.server.hosts.siblings.shares_a_port", lambda: True)
    monkeypatch.setattr("primus.server.hosts.siblings.PROC", Path("/"))
    primus = make_primus(**options)

    for _ in range(3):
        join(primus)

    assert caplog.text.count("rooms: other processes take connections") == count
    await primus.destroy()


async def test_a_spark_of_a_server_without_rooms_says_what_is_missing() -> None:
    primus: Any = Primus[RoomsSpark](transformer=MemoryTransformer, clock=ManualClock())
    spark: Any = join(primus)[0]

    with pytest.raises(PluginError, match="the plugin 'rooms' is not in use"):
        spark.join("news")
