"""What beginners get wrong, and what they are shown: one row for each mistake."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from primus import (
    AttachError,
    ControlTextError,
    InvalidPluginError,
    OptionError,
    ParserError,
    Primus,
    Response,
    Socket,
    Unauthorized,
    UnknownPluginError,
    listens,
)
from primus.events import MOST_SEEN
from primus.server.watchdog import KNOWN, WATCHDOG, Watched
from primus.threads import Home
from primus_testing import MemoryTransformer, eventually, join, make_request

MakePrimus = Callable[..., Primus]


def make(**options: Any) -> Primus:
    return Primus(transformer=MemoryTransformer, **options)


def twice(app: Any) -> None:
    first = Primus(app, transformer=MemoryTransformer)
    Primus(app, transformer=MemoryTransformer)
    assert first


class Application:
    """An ASGI application, as FastAPI makes them."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Nothing that is asked for here."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application."""


def write_to_one(primus: Any) -> None:
    spark, _ = join(primus)
    primus.write("hello", to=spark)


def client(**options: Any) -> Socket:
    return Socket("http://localhost", manual=True, **options)


def handling(mark: Callable[[Any], Any] = lambda method: method) -> type:
    """A class for `Primus.handler` with one method, ``data``."""

    class Handling:
        def __init__(self, spark: object) -> None:
            pass

        @mark
        def data(self, message: object) -> None:
            pass

    return Handling


RAISED: list[tuple[Callable[[], object], type[Exception], str]] = [
    # messages
    (
        lambda: join(make())[0].write(Decimal(1)),
        ParserError,
        "cannot encode data: Decimal has no form in JSON. Write str(value) or float(value) instead",
    ),
    (
        lambda: join(make())[0].write({"price": Decimal(1)}),
        ParserError,
        'cannot encode data["price"]: Decimal',
    ),
    (lambda: join(make())[0].write({1, 2}), ParserError, "data: set has no form in JSON"),
    (lambda: join(make())[0].write(b"bytes"), ParserError, "data: bytes has no form in JSON"),
    (lambda: make().write([object()]), ParserError, "cannot encode data[0]: object"),
    (lambda: client().write({"a": {1}}), ParserError, 'cannot encode data["a"]: set'),
    (lambda: make().write("primus::server::close"), ControlTextError, "Send it within something"),
    # names
    (lambda: make(plugin="left-pad"), UnknownPluginError, "unknown plugin 'left-pad'. Installed: "),
    (lambda: make(plugin="metroplx"), UnknownPluginError, "Did you mean 'metroplex'?"),
    (
        lambda: make(plugin="primus-rooms-redis-adapter"),
        UnknownPluginError,
        "from primus_rooms.redis import RedisAdapter, and rooms={'adapter': RedisAdapter(redis)}",
    ),
    (lambda: make(plugin="Primacron"), UnknownPluginError, "from primus_primacron import Prim"),
    (lambda: Primus(transformer="websocket"), UnknownPluginError, "Did you mean 'websockets'?"),
    (lambda: make(port=80), OptionError, "It is an argument of Primus.create_server."),
    (lambda: make(time_out=10), OptionError, "unknown option 'time_out'. Did you mean 'timeout'?"),
    (lambda: client(time_out=10), OptionError, "Did you mean 'timeout'?"),
    (lambda: make(backplane="redis://a"), OptionError, "add 'backplane' to the option 'plugin'."),
    (lambda: make(recovery_secret="s" * 16), OptionError, "add 'recovery' to the option 'plugin'."),
    (
        lambda: client(headers={"Cookie": "a=b"}),
        OptionError,
        "It goes into the option 'transport': transport={'headers': …}.",
    ),
    (lambda: client(reconnect=False), OptionError, "strategy=False is what never reconnects"),
    # durations
    (lambda: make(timeout=35000), OptionError, "timeout=35000: seconds? Those are 583 minutes"),
    (lambda: make(ping_interval=30_000), OptionError, "30000 milliseconds are ping_interval=30"),
    (lambda: client(timeout=10_000), OptionError, "timeout=10000: seconds?"),
    (lambda: client(reconnect={"min": 500}), OptionError, "reconnect['min']=500: seconds?"),
    (lambda: make(timeout=35000), OptionError, "timeout=35, and False disables it"),
    # origins
    (lambda: make(origins="https://a.example/"), OptionError, "write 'https://a.example'"),
    (lambda: make(origins="a.example"), OptionError, "write 'https://a.example'"),
    # servers
    (lambda: twice(web.Application()), AttachError, "give this one another pathname"),
    (lambda: twice(Application()), AttachError, "is attached to this server already"),
    (lambda: Primus(Primus(application).asgi), AttachError, "is attached to this server already"),
    # functions
    (lambda: make().authorize(lambda: True), TypeError, "it takes no argument"),
    (
        lambda: make().authorize(lambda request, done: done()),
        TypeError,
        "There is no callback: refuse by raising Unauthorized",
    ),
    (lambda: make(authorization=lambda: True), OptionError, "it takes no argument"),
    (
        lambda: make().before("log", lambda request, response, done: done()),
        OptionError,
        "it needs 3 arguments and gets 1: the request. There is no callback: return a Response",
    ),
    (lambda: make().before("log", lambda: None), OptionError, "it takes no argument, and gets"),
    (
        lambda: Unauthorized({"statusCode": 403, "message": "Go away!"}),
        OptionError,
        "write Unauthorized(message, status=…, authenticate=…)",
    ),
    (lambda: Unauthorized(403), OptionError, "Unauthorized(message, 403)"),
    # requests and responses
    (lambda: Response("hello"), TypeError, "Response(status='hello'): must be a number"),  # type: ignore[arg-type]
    (lambda: Response(200, {"a": 1}), TypeError, "Response.json(value) answers with JSON"),  # type: ignore[arg-type]
    (lambda: Response(200, "", {"Age": 1}), TypeError, "the header 'Age' must be text, not 1"),  # type: ignore[dict-item]
    (
        lambda: setattr(make_request("/primus"), "user", "ada"),
        AttributeError,
        "has no attribute 'user': in Python it is state[\"user\"]",
    ),
    (
        lambda: make().use("log", lambda request, response, done: done()),
        InvalidPluginError,
        "To add a layer of the middleware: primus.before(name, layer)",
    ),
    (
        lambda: make(plugin={"mine": {"server": lambda primus, options: None}}),
        InvalidPluginError,
        "the hooks primus_setup for 'server', and primus_browser for 'client'",
    ),
    (lambda: make().authorize("yes"), TypeError, "only accepts functions"),  # type: ignore[type-var]
    (
        lambda: make().on("connection", lambda spark, request: None),
        TypeError,
        "cannot listen to 'connection': it needs 2 arguments and gets 1",
    ),
    (
        lambda: join(make())[0].on("heartbeat", lambda beat: None),  # type: ignore[call-overload]
        TypeError,
        "it needs 1 arguments and gets 0",
    ),
    (
        lambda: client().on("data", lambda message, raw, more: None),  # type: ignore[call-overload]
        TypeError,
        "it needs 3 arguments and gets 2",
    ),
    (
        lambda: join(make())[0].on("vote", lambda *, count: None),
        TypeError,
        "it needs 'count' by name",
    ),
    (lambda: make().on("connection", "connected"), TypeError, "must be callable"),  # type: ignore[call-overload]
    # a name that is left out, as by a decorator without one
    (lambda: make().on(print), TypeError, 'the name of an event comes first, as in @on("data")'),  # type: ignore[call-overload]
    (lambda: join(make())[0].on(print), TypeError, "the name of an event comes first"),  # type: ignore[call-overload]
    (lambda: client().once(print), TypeError, "the name of an event comes first"),  # type: ignore[call-overload]
    (lambda: make().on_spark(print), TypeError, 'comes first: @on_spark("data")'),  # type: ignore[call-overload]
    (lambda: make().before(print), OptionError, "the name of a layer comes first"),  # type: ignore[call-overload]
    (lambda: make().transform(print), OptionError, 'must be "incoming" or "outgoing"'),  # type: ignore[call-overload]
    (lambda: make().use(object()), InvalidPluginError, "the name of a plugin comes first"),  # type: ignore[arg-type]
    # recipients
    (lambda: make().write("hello", to="id"), TypeError, "to='id': must be a list of sparks"),  # type: ignore[arg-type]
    (lambda: make().write("hello", to=["id"]), TypeError, "to=['id']: must be a list of sparks"),  # type: ignore[list-item]
    (lambda: write_to_one(make()), TypeError, "must be a list of sparks; primus.spark(id) is"),
    # handlers for every spark
    (
        lambda: make().on_spark("connection", lambda spark: None),
        TypeError,
        "sparks do not emit 'connection': use primus.on('connection')",
    ),
    (
        lambda: make().on_spark("end", lambda spark, closed, more: None),
        TypeError,
        "it needs 3 arguments and gets 2",
    ),
    (lambda: listens(print), TypeError, 'listens needs the names of events: @listens("data")'),  # type: ignore[arg-type]
    (listens, TypeError, "listens needs the names of events"),
    (
        lambda: make().handler(handling(listens("disconnection"))),
        TypeError,
        "sparks do not emit 'disconnection': use @listens(\"end\")",
    ),
]


@pytest.mark.parametrize(
    ("mistake", "error", "shown"), RAISED, ids=[shown for _, _, shown in RAISED]
)
async def test_a_mistake_is_an_error_at_once(
    mistake: Callable[[], object], error: type[Exception], shown: str
) -> None:
    with pytest.raises(error) as raised:
        mistake()
    assert shown in str(raised.value)


LOGGED: list[tuple[Callable[[], object], str]] = [
    (
        lambda: make().on("conect", lambda spark: None),
        "on('conect'): Primus has no such event. Did you mean 'connection'?",
    ),
    (lambda: join(make())[0].on("mesage", print), ""),
    (lambda: join(make())[0].on("vote", print), ""),
    (lambda: join(make())[0].on("dtaa", print), "Did you mean 'data'?"),
    (lambda: join(make())[0].on("data", print), ""),
    (lambda: client().on("opened", print), "Did you mean 'open'?"),
    (lambda: client().on("connect", print), "Did you mean 'open'?"),
    (lambda: client().on("disconnect", print), "Did you mean 'close', or 'end'?"),
    # events of others
    (
        lambda: make().on("data", print),
        "on('data'): Primus has no such event. Sparks emit it: primus.on_spark('data', fn)",
    ),
    (lambda: make().on("error", print), ""),
    (lambda: join(make())[0].on("connection", print), "emits it: primus.on('connection', fn)"),
    (lambda: join(make())[0].on("close", print), "Did you mean 'end'?"),
    (
        lambda: make().handler(handling()),
        'listens to nothing: mark its methods, such as @listens("data")',
    ),
    (lambda: make().handler(handling(listens("data"))), ""),
    (lambda: make(authorization=lambda request: True), "List your origins."),
]


@pytest.mark.parametrize(("mistake", "shown"), LOGGED)
async def test_a_mistake_that_may_be_none_is_a_warning(
    caplog: pytest.LogCaptureFixture, mistake: Callable[[], object], shown: str
) -> None:
    mistake()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [shown in record.getMessage() for record in warnings] == ([True] if shown else [])


def test_a_name_is_looked_at_once_for_all_connections(
    primus: Primus, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        primus.on("conection", print)
    assert len(caplog.records) == 1


def test_only_so_many_names_are_looked_at(primus: Primus, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_SEEN):
        primus.on(f"{number}", print)
    primus.on("conection", print)
    assert caplog.records == []


def test_only_so_many_functions_that_block_are_remembered() -> None:
    watched = Watched(Home(None), 0.1, logging.getLogger("primus.server"))
    watched._named.update(dict.fromkeys(range(KNOWN), 0.0))  # type: ignore[arg-type]

    def called() -> None:
        watched._name(sys._getframe(), 1.0)

    called()
    assert len(watched._named) == 1


async def test_a_client_that_has_ended_takes_no_message() -> None:
    socket = client()
    socket.open()
    assert socket.write("kept until it is open") is True
    socket.end()
    assert socket.write("too late") is False


def test_a_place_is_free_again_once_its_primus_is_destroyed_or_gone() -> None:
    app = web.Application()
    first = Primus(app, transformer=MemoryTransformer)
    other = Primus(app, transformer=MemoryTransformer, pathname="/other")
    first.draining = True
    again = Primus(app, transformer=MemoryTransformer)
    assert (again.pathname, other.pathname) == ("/primus", "/other")


def test_what_failed_to_attach_takes_no_place() -> None:
    app = Application()
    with pytest.raises(AttachError, match="needs transport") as failed:
        Primus(app, transformer=Needy)
    assert failed
    assert Primus(app, transformer=MemoryTransformer)


def test_an_asgi_function_may_be_part_of_several_applications() -> None:
    first, second = (Primus(application, transformer=MemoryTransformer) for _ in range(2))
    assert first.asgi is not second.asgi


class Needy(MemoryTransformer):
    """A transformer that ASGI cannot carry."""

    needs = frozenset({"transport"})


async def test_functions_that_show_no_signature_and_partial_ones_are_taken(primus: Primus) -> None:
    spark, _ = join(primus)
    seen: list[Any] = []
    for listener in (seen.append, print, functools.partial(seen.append), seen):
        if callable(listener):
            spark.on("data", listener)
    primus.authorize(functools.partial(lambda first, request: None, 1))
    primus.authorize(print)


def blocks(message: object) -> None:
    """A listener that sleeps."""
    time.sleep(0.25)


async def blocks_later(message: object) -> None:
    """An async listener that sleeps."""
    await asyncio.sleep(0)
    blocks(message)


async def waits(message: object) -> None:
    """A listener that takes as long, and blocks nothing."""
    await asyncio.sleep(0.25)


@pytest.mark.parametrize(
    ("listener", "options", "named"),
    [
        (blocks, {}, True),
        (blocks_later, {}, True),
        (waits, {}, False),
        (blocks, {"slow_listener": False}, False),
        (blocks, {"slow_listener": 60}, False),
    ],
)
async def test_a_listener_that_blocks_the_event_loop_is_named(
    make_primus: MakePrimus,
    caplog: pytest.LogCaptureFixture,
    listener: Any,
    options: dict[str, Any],
    named: bool,
) -> None:
    primus = make_primus(**options)
    spark, wire = join(primus)
    done: list[Any] = []
    spark.on("data", listener)
    spark.on("data", done.append)

    for _ in range(2):
        wire.receive("1")
    await eventually(lambda: len(done) == 2)

    texts = [record.getMessage() for record in caplog.records]
    assert [f"{listener.__name__} (" in text for text in texts] == ([True] if named else [])
    await primus.destroy()


def test_functions_that_take_turns_are_not_taken_for_one_that_blocks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(Home(None), 0.1, logging.getLogger("primus.server"))
    namespace: dict[str, Any] = {"__name__": "primus.core"}
    exec("def call(fn, now): fn(now)", namespace)

    def one(now: float) -> None:
        watched.look(sys._getframe(), now)

    def other(now: float) -> None:
        watched.look(sys._getframe(), now)

    for now, listener in ((0.0, one), (0.2, other), (0.4, one), (0.45, one)):
        namespace["call"](listener, now)
    assert caplog.records == []
    watched.look(sys._getframe(), 0.5)
    namespace["call"](one, 0.6)
    assert caplog.records == []
    namespace["call"](one, 0.8)
    assert len(caplog.records) == 1


def test_a_loop_is_looked_at_more_often_once_it_was_asked_for_a_sign() -> None:
    watched = Watched(Home(None), 0.1, logging.getLogger("primus.server"))
    namespace: dict[str, Any] = {"__name__": "primus.core"}
    exec("def call(fn): fn()", namespace)

    assert watched.pause == 0.05
    namespace["call"](lambda: watched.look(sys._getframe(), 0.0))
    assert watched.pause == 0.02
    watched.answer()
    assert watched.pause == 0.05


def test_a_function_that_blocks_is_named_again_after_a_minute_and_others_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(Home(None), 0.1, logging.getLogger("primus.server"))
    namespace: dict[str, Any] = {"__name__": "primus_plugin"}
    exec("def call(fn, now): fn(now)", namespace)

    def one(now: float) -> None:
        watched.look(sys._getframe(), now)

    def other(now: float) -> None:
        watched.look(sys._getframe(), now)

    def named() -> list[str]:
        return [word for word in ("one (", "other (") for each in caplog.messages if word in each]

    for now in (0.0, 0.1, 1.0, 60.0):
        namespace["call"](one, now)
    assert named() == ["one ("]
    namespace["call"](other, 60.0)
    namespace["call"](other, 60.05)
    assert named() == ["one ("]
    namespace["call"](other, 60.1)
    namespace["call"](one, 60.1)
    namespace["call"](one, 60.2)
    assert named() == ["one (", "one (", "other ("]


def test_a_library_that_a_listener_calls_is_not_named_and_the_script_itself_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(Home(None), 0.1, logging.getLogger("primus.server"))

    def module(name: str) -> Any:
        namespace: dict[str, Any] = {"__name__": name}
        exec("def call(*rest): rest[0](*rest[1:])", namespace)
        return namespace["call"]

    def look(*between: str) -> None:
        first, *rest = map(module, between)
        for seconds in (0.0, 1.0):
            first(*rest, lambda now=seconds: watched.look(innermost(), now))

    def innermost() -> Any:
        frame = sys._getframe()
        while frame.f_globals is globals():
            frame = frame.f_back  # type: ignore[assignment]
        return frame

    look("primus.core", "asyncio.events", "websockets.server")
    assert caplog.messages == []
    look("shop.basket", "primus.core", "__main__", "json.decoder")
    assert ["__main__.call" in each for each in caplog.messages] == [True]


async def test_a_loop_that_has_closed_is_watched_no_longer(make_primus: MakePrimus) -> None:
    left = make_primus(slow_listener=0.05)

    async def live() -> None:
        join(left)

    await asyncio.to_thread(asyncio.run, live())
    await eventually(lambda: not WATCHDOG.is_running)


def test_a_server_that_moves_is_watched_where_it_lives_now(
    make_primus: MakePrimus, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[Watched] = []
    monkeypatch.setattr(WATCHDOG, "watch", watched.append)
    monkeypatch.setattr(WATCHDOG, "unwatch", watched.remove)
    primus = make_primus()

    async def live() -> None:
        join(primus)
        assert [each.home for each in watched] == [primus.home]

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(live())
        second.run(live())
        second.run(primus.destroy())
    assert watched == []


async def test_the_watchdog_is_gone_with_the_last_server(make_primus: MakePrimus) -> None:
    primus = make_primus(slow_listener=1000)  # it does not look for so long, and ends at once
    join(primus)
    assert WATCHDOG.is_running
    await primus.destroy()
    await eventually(lambda: not WATCHDOG.is_running)
