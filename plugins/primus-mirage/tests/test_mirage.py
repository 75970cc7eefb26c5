"""Ids of sparks: generated, brought, validated, replaced, refused, late, signed."""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from itsdangerous import Signer

from primus import EndCode, OptionError
from primus_mirage import InvalidId, MirageTimeout
from primus_testing import Recorder, eventually, join

PLUGIN = "mirage, emit"
MakePrimus = Callable[..., Any]
CLOSE = '"primus::server::close"'


def test_a_client_without_an_id_gets_one_that_cannot_be_guessed(primus: Any) -> None:
    spark, wire = join(primus)
    other, _ = join(primus)

    assert wire.sent == [f'{{"emit":["mirage","{spark.mirage}"]}}']
    assert len(bytes.fromhex(spark.mirage)) == 16
    assert spark.mirage != other.mirage


@pytest.mark.parametrize("plugin", ["mirage, emitter", "emitter, mirage", "mirage, emit, emitter"])
def test_emitter_announces_it_in_its_own_packet(make_primus: MakePrimus, plugin: str) -> None:
    spark, wire = join(make_primus(plugin))

    assert wire.sent == [f'{{"type":0,"data":["mirage","{spark.mirage}"]}}']


def test_emit_broadcast_announces_it_too(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus("emit-broadcast, mirage"))

    assert wire.sent == [f'{{"emit":["mirage","{spark.mirage}"]}}']


def test_an_id_that_is_brought_is_kept_and_not_announced(primus: Any) -> None:
    spark, wire = join(primus, "/primus?_mirage=a%20b")

    assert spark.mirage == "a b"
    assert wire.sent == []


def test_of_several_ids_the_first_is_brought(primus: Any) -> None:
    seen: list[Any] = []
    primus.mirage.validator(lambda spark: seen.append(spark.mirage))

    spark, _ = join(primus, "/primus?_mirage=a&_mirage=b")

    assert (spark.mirage, seen) == ("a", ["a"])


def test_an_empty_id_is_none(primus: Any) -> None:
    primus.mirage.generator(lambda spark: "made")

    spark, _ = join(primus, "/primus?_mirage=")

    assert spark.mirage == "made"


@pytest.mark.parametrize("is_async", [False, True])
async def test_functions_of_the_application_make_and_replace_ids(
    primus: Any, is_async: bool
) -> None:
    def give(id: str) -> Any:
        async def later(spark: Any) -> str:
            await asyncio.sleep(0)
            return id + (spark.mirage or "")

        return later if is_async else lambda spark: id + (spark.mirage or "")

    primus.mirage.generator(give("made"))
    primus.mirage.validator(give("not "))

    first, _ = join(primus)
    second, wire = join(primus, "/primus?_mirage=brought")

    await eventually(lambda: first.mirage == "made" and second.mirage == "not brought")
    assert wire.sent == ['{"emit":["mirage","not brought"]}']


async def test_messages_and_listeners_wait_for_the_id_and_control_text_does_not(
    primus: Any,
) -> None:
    valid = asyncio.Event()
    story: list[Any] = []

    @primus.mirage.validator
    async def validate(spark: Any) -> None:
        await valid.wait()
        story.append("valid")

    @primus.on("connection")
    def connection(spark: Any) -> None:
        story.append("connection")
        spark.on("data", story.append)

    _, wire = join(primus, "/primus?_mirage=brought")
    wire.receive('"first"', '"primus::ping::7"', '"second"')
    assert wire.sent == ['"primus::pong::7"']
    assert story == []
    valid.set()

    await eventually(lambda: story == ["valid", "connection", "first", "second"])


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_id_that_is_not_valid_ends_the_connection(primus: Any, is_async: bool) -> None:
    refusal = InvalidId("banned")

    def refuse(spark: Any) -> Any:
        raise refusal

    async def refuse_later(spark: Any) -> Any:
        await asyncio.sleep(0)
        raise refusal

    primus.mirage.validator(refuse_later if is_async else refuse)
    events = Recorder(primus, "connection", "log")

    spark, wire = join(primus, "/primus?_mirage=brought")
    wire.receive('"is dropped"')

    await eventually(lambda: wire.closed is not None)
    assert wire.sent == [CLOSE]
    assert events.seen("connection") == []
    assert events.seen("log") == [("error", refusal)]
    assert (spark.closed.code, spark.closed.reason) == (EndCode.REFUSED, "banned")


@pytest.mark.parametrize(("target", "verb"), [("", "generate"), ("?_mirage=x", "validate")])
async def test_what_takes_too_long_ends_the_connection(primus: Any, target: str, verb: str) -> None:
    async def never(spark: Any) -> str:
        await asyncio.Event().wait()
        return ""

    primus.mirage.generator(never)
    primus.mirage.validator(never)
    events = Recorder(primus, "log")
    clock = primus.options.clock

    _, wire = join(primus, f"/primus{target}")
    await eventually(lambda: clock.pending)
    clock.advance(4.9)
    assert events.story == []
    clock.advance(0.2)

    _, error = await events.next("log")
    assert isinstance(error, MirageTimeout)
    assert str(error) == f"Failed to {verb} id in a timely manner"
    assert wire.sent == [CLOSE]


async def test_the_timeout_is_an_option(make_primus: MakePrimus) -> None:
    primus = make_primus(PLUGIN, mirage_timeout=1)
    primus.mirage.generator(lambda spark: asyncio.Event().wait())
    events = Recorder(primus, "log")

    join(primus)
    await eventually(lambda: primus.options.clock.pending)
    primus.options.clock.advance(1.1)

    await events.next("log")


async def test_a_timeout_of_the_application_is_no_late_id(primus: Any) -> None:
    own = TimeoutError("the database")

    async def fail(spark: Any) -> str:
        raise own

    primus.mirage.generator(fail)
    events = Recorder(primus, "log")

    join(primus)

    assert await events.next("log") == ("error", own)


@pytest.mark.parametrize("id", [None, "", 5, b"bytes"])
def test_what_is_no_text_is_no_id(primus: Any, id: Any) -> None:
    primus.mirage.generator(lambda spark: id)
    events = Recorder(primus, "log")

    _, wire = join(primus)

    ((_, error),) = events.seen("log")
    assert str(error) == f"a session id must be a non-empty text, not {id!r}"
    assert wire.sent == [CLOSE]


async def test_a_client_that_has_left_is_told_nothing(primus: Any) -> None:
    made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    primus.mirage.generator(lambda spark: made)
    events = Recorder(primus, "connection", "log")

    spark, wire = join(primus)
    wire.lose()
    await eventually(lambda: spark.ready_state == spark.CLOSED)
    made.set_result("late")
    await asyncio.sleep(0)

    assert wire.sent == []
    assert events.story == []


@pytest.mark.parametrize("name", ["generator", "validator"])
def test_only_functions_are_taken(primus: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        getattr(primus.mirage, name)("a text")


# -- signed ids


@pytest.fixture
def signed(make_primus: MakePrimus) -> Any:
    return make_primus(PLUGIN, mirage_secret=["old", "new"])


def announced(wire: Any) -> str:
    (frame,) = wire.sent
    return str(frame).removeprefix('{"emit":["mirage","').removesuffix('"]}')


def test_a_signed_id_is_taken_back_and_the_application_sees_it_without_signature(
    signed: Any,
) -> None:
    seen: list[str] = []
    signed.mirage.generator(lambda spark: "user.7")
    signed.mirage.validator(lambda spark: seen.append(spark.mirage))

    first, wire = join(signed)
    second, _ = join(signed, f"/primus?_mirage={announced(wire)}")

    assert announced(wire).startswith("user.7.")
    assert first.mirage == second.mirage == "user.7"
    assert seen == ["user.7"]


def test_an_id_signed_with_an_older_secret_is_still_known(
    signed: Any, make_primus: MakePrimus
) -> None:
    _, wire = join(make_primus(PLUGIN, mirage_secret=b"old"))

    spark, _ = join(signed, f"/primus?_mirage={announced(wire)}")

    assert spark.ready_state == spark.OPEN


@pytest.mark.parametrize(
    "forged",
    [
        "invented",
        "user.7.",
        "user.7.AAAA",
        "\N{SNOWMAN}.x",
        "%ff.%fe",
        Signer("new").sign("user.7").decode(),
        Signer("another", salt="primus-mirage").sign("user.7").decode(),
    ],
)
def test_an_id_that_was_not_signed_here_is_refused_before_any_validator(
    signed: Any, forged: str
) -> None:
    asked: list[Any] = []
    signed.mirage.validator(asked.append)
    events = Recorder(signed, "connection", "log")

    spark, wire = join(signed, f"/primus?_mirage={forged}")

    ((_, error),) = events.seen("log")
    assert isinstance(error, InvalidId)
    assert (spark.mirage, asked, events.seen("connection")) == (None, [], [])
    assert wire.sent == [CLOSE]


@pytest.mark.parametrize("secret", ["", b"", [], ["good", ""], 5, [5]])
def test_a_secret_that_is_none_is_refused(make_primus: MakePrimus, secret: Any) -> None:
    with pytest.raises(OptionError, match="mirage_secret"):
        make_primus(PLUGIN, mirage_secret=secret)


def test_without_itsdangerous_the_error_says_what_to_install(
    make_primus: MakePrimus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "itsdangerous", None)

    with pytest.raises(OptionError, match=r"pip install .primus-mirage\[signed\]"):
        make_primus(PLUGIN, mirage_secret="secret")


# -- the server as a whole


def test_a_server_without_an_event_plugin_is_told_so(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    make_primus("mirage, emit")
    assert caplog.messages == []

    make_primus("mirage, rooms")

    assert len(caplog.messages) == 1
    assert "plugin='mirage, emit'" in caplog.text


def test_it_comes_before_plugins_that_look_at_messages(make_primus: MakePrimus) -> None:
    assert next(iter(make_primus("rooms, emitter, emit, mirage").ark)) == "mirage"


def test_a_server_takes_no_id_of_its_own(make_primus: MakePrimus) -> None:
    with pytest.raises(OptionError, match="an option of clients"):
        make_primus(PLUGIN, mirage="an id")


@pytest.mark.parametrize("timeout", [0, -1, "5"])
def test_a_timeout_that_cannot_work_is_refused(make_primus: MakePrimus, timeout: Any) -> None:
    with pytest.raises(OptionError, match="mirage_timeout"):
        make_primus(PLUGIN, mirage_timeout=timeout)


async def test_what_a_late_generator_raises_itself_is_told_and_no_timeout(primus: Any) -> None:
    async def make(spark: Any) -> str:
        try:
            return await asyncio.Event().wait() and ""
        except asyncio.CancelledError:
            raise ValueError("given up") from None

    primus.mirage.generator(make)
    events = Recorder(primus, "log")

    join(primus)
    await eventually(lambda: primus.options.clock.pending)
    primus.options.clock.advance(5.1)

    _, error = await events.next("log")
    assert isinstance(error, ValueError)
    assert str(error) == "given up"


@pytest.mark.parametrize(
    ("plugin", "warns"), [("mirage", True), ("mirage, emit", False), ("mirage, emitter", False)]
)
def test_a_server_without_an_event_plugin_is_warned_of(
    make_primus: MakePrimus, plugin: str, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    make_primus(plugin)
    assert ("announces session ids through an event plugin" in caplog.text) is warns
