from typing import Any

import pytest

from primus import Primus
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    Recorder,
    Tracebacks,
    eventually,
    join,
    make_request,
)

pytestmark = pytest.mark.usefixtures("tracebacks")


def chaotic(**options: Any) -> Any:
    options = {"clock": ManualClock(), "timeout": False, "ping_interval": False, **options}
    return Primus(transformer=MemoryTransformer, plugin="chaos", **options)


def pending(primus: Any) -> int:
    clock: Any = primus.options.clock
    return int(clock.pending)


# -- delays


async def test_a_message_that_arrives_waits_for_the_clock() -> None:
    primus = chaotic(chaos_delay=2.0)
    spark, wire = join(primus)
    events = Recorder(spark, "data")

    wire.receive('"hello"')
    primus.options.clock.advance(1.9)
    await eventually(lambda: primus.chaos.waiting == 1)
    assert events.story == []
    primus.options.clock.advance(0.2)

    assert await events.one("data") == "hello"
    assert (primus.chaos.delayed, primus.chaos.waiting) == (1, 0)
    await primus.destroy()


async def test_a_message_that_leaves_waits_for_the_clock() -> None:
    primus = chaotic(chaos_delay=(2.0, 2.0))
    spark, wire = join(primus)

    spark.write("hello")
    assert wire.sent == []
    primus.options.clock.advance(2.0)

    await eventually(lambda: wire.sent == ['"hello"'])
    await primus.destroy()


async def test_delays_of_different_lengths_keep_the_order() -> None:
    primus = chaotic(chaos_delay=(0.0, 5.0), chaos_seed=7)
    spark, wire = join(primus)

    for number in range(5):
        spark.write(number)
    for _ in range(5):
        await eventually(lambda: primus.chaos.waiting == 1)
        primus.options.clock.advance(5.0)
    await eventually(lambda: primus.chaos.waiting == 0 and len(wire.sent) == 5)

    assert wire.sent == ["0", "1", "2", "3", "4"]
    await primus.destroy()


async def test_heartbeats_and_other_control_text_do_not_wait_on_their_way_in() -> None:
    primus = chaotic(chaos_delay=9.0, chaos_drop=0.0)
    _, wire = join(primus)

    wire.receive('"hello"', '"primus::ping::1"')

    assert wire.sent == ['"primus::pong::1"']
    assert primus.chaos.waiting == 1
    await primus.destroy()


async def test_what_is_written_before_an_end_leaves_at_once() -> None:
    primus = chaotic(chaos_delay=60.0)
    spark, wire = join(primus)

    spark.write("one")
    spark.write("two")
    spark.end("three")

    await eventually(lambda: wire.closed)
    assert wire.sent == ['"one"', '"two"', '"three"', '"primus::server::close"']
    await primus.destroy()


async def test_what_is_still_arriving_when_the_connection_ends_is_lost() -> None:
    primus = chaotic(chaos_delay=60.0)
    spark, wire = join(primus)
    events = Recorder(spark, "data", "end")

    wire.receive('"too late"')
    spark.end()
    await eventually(lambda: wire.closed)

    assert events.story == ["end"]
    assert pending(primus) == 0
    await primus.destroy()


# -- drops


async def test_messages_are_dropped_in_both_directions() -> None:
    primus = chaotic(chaos_drop=1.0)
    spark, wire = join(primus)
    events = Recorder(spark, "data")

    wire.receive('"in"', '"primus::ping::1"')
    spark.write("out")
    primus.write("out to all")

    assert events.story == []
    assert wire.sent == ['"primus::pong::1"']
    assert primus.chaos.dropped == 3
    await primus.destroy()


async def test_the_same_seed_drops_the_same_messages() -> None:
    primus = chaotic(chaos_drop=0.5, chaos_seed=1)
    spark, wire = join(primus)

    for number in range(8):
        spark.write(number)

    assert wire.sent == ["1", "2", "6", "7"]
    assert primus.chaos.dropped == 4
    await primus.destroy()


# -- refusals


@pytest.mark.parametrize("headers", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}])
async def test_requests_and_upgrades_are_refused(headers: dict[str, str]) -> None:
    primus = chaotic(chaos_refuse=1.0)

    answer = await primus.handle(make_request("/primus/", headers=headers))

    assert answer.status == 503
    assert answer.body == b'{"error":"Service Unavailable"}'
    assert primus.chaos.refused == 1
    await primus.destroy()


async def test_the_library_is_served_all_the_same() -> None:
    primus = chaotic(chaos_refuse=1.0)

    answer = await primus.handle(make_request("/primus/primus.js"))

    assert answer.status == 200
    await primus.destroy()


async def test_its_layer_stands_before_authorization() -> None:
    primus = chaotic()
    names = [layer.name for layer in primus.layers]

    assert names[names.index("authorization") - 1] == "chaos"
    await primus.destroy()


# -- cuts


async def test_a_connection_is_cut_in_its_time_and_the_client_may_come_back() -> None:
    primus = chaotic(chaos_cut=(3.0, 5.0), chaos_seed=1)
    spark, wire = join(primus)
    events = Recorder(spark, "end")

    primus.options.clock.advance(3.0)
    assert events.story == []
    primus.options.clock.advance(2.0)

    assert events.story == ["end"]
    assert wire.sent == []  # above all no primus::server::close
    assert wire.closed is not None
    assert primus.chaos.cuts == 1
    await primus.destroy()


async def test_a_connection_that_has_ended_is_not_waited_for() -> None:
    primus = chaotic(chaos_cut=(3.0, 5.0))
    spark, _ = join(primus)
    assert pending(primus) == 1

    spark.end()

    assert pending(primus) == primus.chaos.waiting == 0
    await primus.destroy()


async def test_no_cut_is_set_for_a_spark_that_another_plugin_has_ended() -> None:
    primus = chaotic()
    spark, _ = join(primus)
    spark.end()
    primus.chaos.cut = 1.0

    primus.chaos.connected(spark)

    assert primus.chaos.waiting == 0
    await primus.destroy()


async def test_a_spark_can_be_cut_by_hand_once() -> None:
    primus = chaotic()
    spark, wire = join(primus)

    spark.cut()
    spark.cut()

    assert wire.closed is not None
    assert primus.chaos.cuts == 1
    await primus.destroy()


# -- switching it off


async def test_nothing_happens_while_it_is_disabled() -> None:
    primus = chaotic(chaos_delay=1.0, chaos_drop=1.0, chaos_refuse=1.0, chaos_cut=1.0)
    primus.chaos.enabled = False
    spark, wire = join(primus)

    spark.write("hello")
    answer = await primus.handle(make_request("/primus/primus.js"))
    refused = primus.chaos.layer(make_request("/primus/"))
    primus.options.clock.advance(10.0)

    assert wire.sent == ['"hello"']
    assert (answer.status, refused) == (200, None)
    assert spark.ready_state == spark.OPEN
    await primus.destroy()


async def test_a_cut_that_comes_due_while_it_is_disabled_does_not_happen() -> None:
    primus = chaotic(chaos_cut=1.0)
    spark, _ = join(primus)
    primus.chaos.enabled = False

    primus.options.clock.advance(2.0)

    assert spark.ready_state == spark.OPEN
    await primus.destroy()


async def test_plugging_it_out_lets_everything_go_on_at_once() -> None:
    primus = chaotic(chaos_delay=60.0, chaos_cut=60.0)
    spark, wire = join(primus)
    events = Recorder(spark, "data")
    wire.receive('"one"', '"two"')
    spark.write("three")
    spark.write("four")

    primus.plugout("chaos")

    assert pending(primus) == 0
    assert await events.one("data") == "one"
    assert await events.one("data") == "two"
    await eventually(lambda: wire.sent == ['"three"', '"four"'])
    assert not hasattr(primus, "chaos")
    assert not hasattr(spark, "cut")
    await primus.destroy()


async def test_destroying_the_server_does_not_wait_for_delays() -> None:
    primus = chaotic(chaos_delay=60.0, chaos_cut=60.0)
    spark, wire = join(primus)
    spark.write("last words")

    await primus.destroy()

    await eventually(lambda: wire.closed)
    assert wire.sent == ['"last words"', '"primus::server::close"']
    assert pending(primus) == 0


# -- using it


async def test_using_it_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    primus = chaotic(chaos_drop=0.1)

    (record,) = [one for one in caplog.records if "on purpose" in one.message]
    assert (record.levelname, record.name) == ("WARNING", "primus.server")
    assert "drop=0.1" in record.message
    await primus.destroy()


async def test_a_plugin_used_later_starts_with_the_defaults(tracebacks: Tracebacks) -> None:
    primus: Any = Primus(transformer=MemoryTransformer)
    primus.use("chaos")

    assert (primus.chaos.delay, primus.chaos.drop, primus.chaos.refuse) == ((0.0, 0.0), 0.0, 0.0)
    assert (primus.chaos.cut, primus.chaos.enabled) == (None, True)
    await primus.destroy()
