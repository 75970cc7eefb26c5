import asyncio
import gc
import weakref
from functools import partial
from typing import Any

import pytest

from primus import OptionError, ParserError, PluginError, Spark, Unauthorized
from primus_multiplex import Channel, ChannelSpark
from primus_testing import MemoryTransport, Recorder, Tracebacks, eventually, join

PLUGIN = "multiplex"


def subscribe(primus: Any, name: str = "news", id: str = "one") -> tuple[Any, Any, Any]:
    """A new connection with a subscription: the channel's spark, the main spark and its wire."""
    spark, wire = join(primus)
    wire.receive(f'[1,"{id}","{name}"]')
    return primus.channel(name).spark(id), spark, wire


# -- channels


def test_a_name_gives_the_same_channel_each_time(primus: Any) -> None:
    news = primus.channel("news")

    assert isinstance(news, Channel)
    assert primus.channel("news") is news
    assert (news.name, len(news), [*news], bool(news)) == ("news", 0, [], True)
    assert primus.channel("sport") is not news


@pytest.mark.parametrize("name", ["", None, 5, b"news"])
def test_a_name_is_a_text(primus: Any, name: Any) -> None:
    with pytest.raises(TypeError, match="must be a text that is not empty"):
        primus.channel(name)


def test_a_name_that_no_client_can_subscribe_to_is_refused(primus: Any) -> None:
    assert primus.channel("n" * 128)

    with pytest.raises(OptionError, match="at most 128: multiplex_name=129"):
        primus.channel("n" * 129)


def test_mistaken_listeners_of_a_channel_are_shown(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    news = primus.channel("news")

    with pytest.raises(TypeError, match="cannot listen to 'connection': it needs 2 arguments"):
        news.on("connection", lambda spark, channel: None)
    news.on("conection", lambda spark: None)

    assert "Primus has no such event. Did you mean 'connection'?" in caplog.text


def test_a_subscription_is_a_spark_of_the_channel(primus: Any) -> None:
    news = primus.channel("news")
    spark, wire = join(primus, "/primus?token=1")
    main = Recorder(spark, "subscribe", "unsubscribe", "data")
    events = Recorder(news, "connection", "disconnection")

    wire.receive('[1,"one","news"]')

    (one,) = news
    assert isinstance(one, ChannelSpark)
    assert (one.id, one.conn, one.channel, one.primus) == ("one", spark, news, news)
    assert (one.request, one.headers, one.address) == (spark.request, spark.headers, spark.address)
    assert (one.query["token"], one.ready_state) == ("1", Spark.OPEN)
    assert news.connections == {"one": one}
    assert (news.spark("one"), news.spark("two")) == (one, None)
    assert main.seen("subscribe") == [(news, one)]
    assert events.seen("connection") == [(one,)]
    wire.receive('[2,"one","news"]')
    assert main.seen("unsubscribe") == [(news, one)]
    assert events.seen("disconnection") == [(one,)]
    assert (len(news), one.write(1), one.ready_state) == (0, False, Spark.CLOSED)
    assert main.seen("data") == []
    assert wire.sent == []


def test_messages_right_behind_a_subscription_reach_listeners_set_in_connection(
    primus: Any,
) -> None:
    seen: list[Any] = []

    @primus.channel("news").on("connection")
    def connection(spark: Any) -> None:
        spark.on("data", seen.append)

    _, wire = join(primus)
    wire.receive(
        '[1,"one","news"]', '[0,"one","news",1]', '[0,"one","news"]', '[0,"one","news",[]]'
    )

    assert seen == [1, None, []]


def test_both_sides_can_end_a_subscription_once(primus: Any) -> None:
    one, _, wire = subscribe(primus)
    events = Recorder(one, "close", "end")

    one.end("last")
    one.end()
    wire.receive('[2,"one","news"]', '[0,"one","news","late"]')

    assert wire.sent == ['[0,"one","news","last"]', '[2,"one","news"]']
    assert events.story == ["close", "end"]


def test_the_end_of_the_connection_ends_its_subscriptions(primus: Any) -> None:
    one, main, wire = subscribe(primus)
    news = primus.channel("news")
    events, channel = Recorder(one, "end"), Recorder(news, "disconnection")
    unsubscribed = Recorder(main, "unsubscribe")

    wire.lose()

    assert (events.story, channel.seen("disconnection")) == (["end"], [(one,)])
    assert unsubscribed.seen("unsubscribe") == [(news, one)]
    assert len(news) == len(main.channels) == 0
    assert wire.sent == []


def test_destroying_a_channel_ends_its_subscriptions(primus: Any) -> None:
    one, _, wire = subscribe(primus)
    news = primus.channel("news")
    events, done = Recorder(news, "disconnection", "close"), []

    news.destroy(lambda: done.append(1))
    news.destroy(lambda: done.append(2))

    assert events.story == ["disconnection", "close"]
    assert done == [1, 2]
    assert wire.sent == ['[2,"one","news"]']
    assert primus.channel("news") is not news
    assert one.write(1) is False


async def test_destroying_the_server_destroys_the_channels(make_primus: Any) -> None:
    primus = make_primus("multiplex")
    one, _, _ = subscribe(primus)
    events = Recorder(one.channel, "disconnection", "close")

    await primus.destroy()

    assert events.story == ["disconnection", "close"]


def test_plugging_it_out_ends_everything(primus: Any) -> None:
    one, main, wire = subscribe(primus)
    events, data = Recorder(one, "end"), Recorder(main, "data")

    primus.plugout("multiplex")
    wire.receive('[0,"one","news",1]')

    assert events.story == ["end"]
    assert data.story == ["data"]
    assert not hasattr(main, "channels")


@pytest.mark.parametrize(
    "frame", ["[]", "[1,2,3]", '[0,"one"]', '["a","b","c"]', '[0,"one","news",1,2]', "null"]
)
def test_arrays_that_are_no_packets_are_data(primus: Any, frame: str) -> None:
    """In Node every array is taken for a packet."""
    spark, wire = join(primus)
    main = Recorder(spark, "data")

    wire.receive(frame)

    assert [args[0] for args in main.seen("data")] == [primus.parser.decode(frame)]
    assert len(primus.channels) == 0


def test_what_belongs_to_no_subscription_makes_nothing(primus: Any) -> None:
    spark, wire = join(primus)
    main = Recorder(spark, "data")

    wire.receive('[0,"one","news",1]', '[2,"one","news"]')

    assert (main.story, wire.sent, len(primus.channels)) == ([], [], 0)


def test_packets_are_seen_as_transforms_leave_them(primus: Any) -> None:
    """Also by transforms that are added later: multiplex of Node reads `data`."""

    @primus.transform("incoming")
    def incoming(packet: Any) -> None:
        packet.data = packet.data["wrapped"]

    @primus.transform("outgoing")
    def outgoing(packet: Any) -> None:
        packet.data = {"wrapped": packet.data}

    _, wire = join(primus)
    wire.receive('{"wrapped":[1,"one","news"]}')
    primus.channel("news").write("hello")

    assert wire.sent == ['{"wrapped":[0,"one","news","hello"]}']


# -- ids


def test_an_id_is_good_on_its_own_connection_only(primus: Any) -> None:
    one, _, _ = subscribe(primus)
    events = Recorder(one, "data", "end")
    _, other = join(primus)

    other.receive('[0,"one","news","injected"]', '[2,"one","news"]')

    assert (events.story, len(primus.channel("news"))) == ([], 1)


def test_an_id_that_another_connection_has_taken_gets_a_number(primus: Any) -> None:
    """As after a reconnect, when the server does not know yet that the wire was lost."""
    _, _, first = subscribe(primus)
    _, _, second = subscribe(primus)
    news = primus.channel("news")
    assert [*news.connections] == ["one", "one~2"]
    events = Recorder(news.spark("one~2"), "data")

    second.receive('[0,"one","news",1]')
    news.write("all")
    first.lose()

    assert events.seen("data")[0][0] == 1
    assert first.sent == second.sent == ['[0,"one","news","all"]']
    assert [*news.connections] == ["one~2"]


def test_ids_that_are_taken_cost_no_search_each_time(primus: Any) -> None:
    looked: list[str] = []

    class Watched(dict[str, Any]):
        def __contains__(self, key: object) -> bool:
            looked.append(str(key))
            return super().__contains__(key)

    members = primus.channel("news").members
    members._by_id = Watched()
    _, _, first = subscribe(primus)
    for number in range(2, 101):
        first.receive(f'[1,"one~{number}","news"]')
    _, second = join(primus)
    looked.clear()

    for _ in range(100):
        second.receive('[1,"one","news"]', '[2,"one","news"]')

    assert len(looked) <= 400  # 10,000 when each subscription looks at all ids that are taken


def test_a_second_subscription_of_the_same_id_is_ignored(primus: Any) -> None:
    _, main, wire = subscribe(primus)
    events = Recorder(main, "subscribe")

    wire.receive('[1,"one","news"]', '[1,"two","news"]', '[1,"one","sport"]')

    assert len(events.seen("subscribe")) == 2
    assert [*primus.channel("news").connections] == ["one", "two"]


# -- bounds


def test_the_subscriptions_of_a_connection_are_bounded(make_primus: Any) -> None:
    primus = make_primus("multiplex", multiplex_subscriptions=2)
    spark, wire = join(primus)

    wire.receive(*(f'[1,"id{number}","news"]' for number in range(4)))
    assert wire.sent == [
        '[2,"id2","news",{"error":"too many subscriptions"}]',
        '[2,"id3","news",{"error":"too many subscriptions"}]',
    ]
    wire.receive('[2,"id0","news"]', '[1,"id4","news"]')

    assert [*primus.channel("news").connections] == ["id1", "id4"]
    assert len(spark.channels) == 2
    subscribe(primus, id="of another connection")


async def iterating(work: Any, spark: Any) -> None:
    async for message in spark:
        await work(message)


BUSY = {
    "authorization": lambda news, spark, work: news.authorize(work),
    "connection": lambda news, spark, work: news.on("connection", work),
    "iteration": lambda news, spark, work: news.on("connection", partial(iterating, work)),
    "data": lambda news, spark, work: news.on("connection", lambda one: one.on("data", work)),
    "disconnection": lambda news, spark, work: news.on("disconnection", work),
    "subscribe": lambda news, spark, work: spark.on("subscribe", work),
    "unsubscribe": lambda news, spark, work: spark.on("unsubscribe", work),
}


@pytest.mark.parametrize("busy", BUSY)
async def test_what_ends_before_its_listeners_do_is_still_a_subscription(
    make_primus: Any, busy: str
) -> None:
    """Otherwise one connection starts as many listeners at once as it likes."""
    primus = make_primus("multiplex", multiplex_subscriptions=3)
    news = primus.channel("news")
    go = asyncio.Event()
    started: list[Any] = []

    async def work(*given: Any) -> None:
        started.append(given)
        await go.wait()

    spark, wire = join(primus)
    BUSY[busy](news, spark, work)

    for number in range(20):
        for packet in ('[1,"{}","news"]', '[0,"{}","news","x"]', '[2,"{}","news"]'):
            wire.receive(packet.format(number))
            for _ in range(3):
                await asyncio.sleep(0)
    assert len(started) == 3
    assert wire.sent[-1] == '[2,"19","news",{"error":"too many subscriptions"}]'
    go.set()
    await eventually(lambda: not spark.channels.lingering and not len(spark.channels))
    wire.receive('[1,"two","news"]')

    await eventually(lambda: [*news.connections] == ["two"])


async def test_failures_that_clients_cause_again_and_again_are_logged_once(
    primus: Any, caplog: pytest.LogCaptureFixture, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("the authorization raised", "a connection listener raised", "'disconnection'")
    news, open_to_all = primus.channel("news"), primus.channel("open")

    def fail(spark: Any) -> None:
        raise ValueError("no")

    news.authorize(lambda spark: {}["secret"])
    open_to_all.on("connection", fail)
    open_to_all.on("disconnection", lambda spark: {}["left"])
    spark, wire = join(primus)
    spark.on("error", lambda error: None)

    for _ in range(50):
        wire.receive('[1,"one","news"]', '[1,"one","open"]')

    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 3


def test_the_channels_that_a_connection_brings_into_being_are_bounded(make_primus: Any) -> None:
    primus = make_primus("multiplex", multiplex_channels=1)
    primus.channel("news")
    _, wire = join(primus)

    wire.receive('[1,"a","x"]', '[1,"b","y"]', '[1,"c","news"]', '[1,"d","x"]')
    assert wire.sent == ['[2,"b","y",{"error":"too many channels"}]']
    primus.channel("x")  # now it is the server's
    wire.receive('[1,"b","y"]')

    assert {channel.name for channel in primus.channels} == {"news", "x", "y"}
    assert len(wire.sent) == 1


def test_a_channel_that_a_client_has_made_goes_with_its_last_subscription(primus: Any) -> None:
    _, first = join(primus)
    _, second = join(primus)
    first.receive('[1,"a","x"]', '[1,"b","y"]')
    second.receive('[1,"c","x"]')
    primus.channels.get("y").on("connection", print)  # the server listens to this one

    first.lose()
    assert {channel.name for channel in primus.channels} == {"x", "y"}
    second.receive('[2,"c","x"]')

    assert [channel.name for channel in primus.channels] == ["y"]


@pytest.mark.parametrize("packet", ['[1,"{}","news"]', '[1,"one","{}"]'])
def test_names_and_ids_are_bounded(make_primus: Any, packet: str) -> None:
    primus = make_primus("multiplex", multiplex_name=20)
    _, wire = join(primus)

    wire.receive(packet.format("x" * 20))
    assert wire.sent == []
    wire.receive(packet.format("x" * 21))

    assert "the name or id is too long" in wire.sent[0]


@pytest.mark.parametrize(
    "option", ["multiplex_channels", "multiplex_subscriptions", "multiplex_name"]
)
@pytest.mark.parametrize("value", [-1, None, "5", True, 1.5])
async def test_a_bound_that_cannot_work_is_refused(
    make_primus: Any, option: str, value: Any
) -> None:
    with pytest.raises(OptionError, match=option):
        make_primus("multiplex", **{option: value})


# -- authorization


def test_a_refused_subscription_ends_with_an_error(primus: Any) -> None:
    news = primus.channel("news")

    @news.authorize
    def authorize(spark: Any) -> None:
        if spark.query.get("token") != "1":
            raise Unauthorized("a token, please")

    events = Recorder(news, "connection", "disconnection")
    spark, wire = join(primus)
    main = Recorder(spark, "subscribe", "unsubscribe")
    wire.receive('[1,"one","news"]', '[0,"one","news","unheard"]')
    allowed, other = join(primus, "/primus?token=1")
    other.receive('[1,"two","news"]')

    assert wire.sent == ['[2,"one","news",{"error":"a token, please"}]']
    assert (main.story, events.story) == ([], ["connection"])
    assert [*news.connections] == ["two"]
    assert (len(spark.channels), len(allowed.channels)) == (0, 1)


async def test_messages_wait_for_an_async_authorization(primus: Any) -> None:
    news = primus.channel("news")
    go = asyncio.Event()
    seen: list[Any] = []

    @news.authorize
    async def authorize(spark: Any) -> None:
        await go.wait()

    news.on("connection", lambda spark: spark.on("data", seen.append))
    spark, wire = join(primus)
    main = Recorder(spark, "data")
    wire.receive('[1,"one","news"]', '[0,"one","news",1]', '"main"')
    assert (len(news), main.story) == (0, ["data"])

    go.set()
    await eventually(lambda: seen == [1])
    assert len(news) == 1


@pytest.mark.parametrize("leaves", ["unsubscribes", "is lost", "is destroyed"])
async def test_what_leaves_meanwhile_is_not_admitted(primus: Any, leaves: str) -> None:
    news = primus.channel("news")
    go = asyncio.Event()
    authorized: list[Any] = []

    @news.authorize
    async def authorize(spark: Any) -> None:
        authorized.append(spark)
        await go.wait()

    events = Recorder(news, "connection", "disconnection")
    _, wire = join(primus)
    wire.receive('[1,"one","news"]')
    await eventually(lambda: authorized)
    if leaves == "unsubscribes":
        wire.receive('[2,"one","news"]')
    elif leaves == "is lost":
        wire.lose()
    else:
        news.destroy()
    go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert (len(news), events.story) == (0, [])
    assert authorized[0].ready_state == Spark.CLOSED


async def test_a_subscription_that_ends_before_it_is_decided_about_leaves_no_channel(
    primus: Any,
) -> None:
    gate = asyncio.Event()

    @primus.channels.authorize
    async def authorize(spark: Any) -> None:
        await gate.wait()

    _, wire = join(primus)
    wire.receive('[1,"one","mine"]')
    assert primus.channels.get("mine") is not None
    wire.receive('[2,"one","mine"]')
    assert primus.channels.get("mine") is None
    gate.set()


async def test_an_authorization_that_fails_shows_nothing_of_the_reason(
    primus: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("<Channel 'news'>: the authorization raised")

    @primus.channels.authorize
    def authorize(spark: Any) -> None:
        raise RuntimeError("secret")

    _, wire = join(primus)
    wire.receive('[1,"one","news"]')

    assert wire.sent == ['[2,"one","news",{"error":"refused"}]']


async def test_an_authorization_gets_the_time_of_a_handshake(make_primus: Any) -> None:
    primus = make_primus("multiplex", handshake_timeout=5.0)

    @primus.channel("news").authorize
    async def authorize(spark: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    started = asyncio.Event()
    _, wire = join(primus)
    wire.receive('[1,"one","news"]')
    await started.wait()
    primus.options.clock.advance(5.0)

    await eventually(lambda: wire.sent == ['[2,"one","news",{"error":"refused"}]'])


def test_a_channel_has_an_authorization_of_its_own_or_that_of_all(primus: Any) -> None:
    @primus.channels.authorize
    def none(spark: Any) -> None:
        raise Unauthorized("no")

    primus.channel("news").authorize(lambda spark: None)
    _, wire = join(primus)

    wire.receive('[1,"a","news"]', '[1,"b","other"]')

    assert wire.sent == ['[2,"b","other",{"error":"no"}]']
    assert [channel.name for channel in primus.channels] == ["news"]
    for owner in (primus.channels, primus.channel("news")):
        with pytest.raises(TypeError, match="only accepts functions"):
            owner.authorize("none")


async def test_a_connection_listener_that_raises_ends_the_subscription(
    primus: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a connection listener raised for <ChannelSpark one of 'news'>")

    @primus.channel("news").on("connection")
    async def connection(spark: Any) -> None:
        raise ValueError("no")

    _, spark, wire = subscribe(primus)
    spark.on("error", lambda error: None)

    await eventually(lambda: wire.sent == ['[2,"one","news"]'])


async def test_async_connection_listeners_hold_the_subscription_alone(primus: Any) -> None:
    news, sport = primus.channel("news"), primus.channel("sport")
    go = asyncio.Event()
    seen: list[Any] = []

    @news.on("connection")
    async def connection(spark: Any) -> None:
        spark.on("data", seen.append)
        await go.wait()

    sport.on("connection", lambda spark: spark.on("data", seen.append))
    _, wire = join(primus)
    wire.receive('[1,"a","news"]', '[1,"b","sport"]', '[0,"a","news",1]', '[0,"b","sport",2]')
    assert seen == [2]

    go.set()
    await eventually(lambda: seen == [2, 1])


async def test_a_connection_listener_may_iterate(primus: Any) -> None:
    seen: list[Any] = []

    @primus.channel("news").on("connection")
    async def connection(spark: Any) -> None:
        seen.extend([message async for message in spark])
        seen.append("end")

    _, wire = join(primus)
    wire.receive('[1,"a","news"]', '[0,"a","news",1]', '[0,"a","news",2]', '[2,"a","news"]')

    await eventually(lambda: seen == [1, 2, "end"])


# -- writing to a channel


def test_a_message_to_a_channel_is_encoded_and_framed_once(
    primus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = primus.channel("news")
    wires = []
    for number in range(1000):
        _, wire = join(primus)
        wire.receive(f'[1,"{number:013}","news"]')
        wires.append(wire)
    encode, encoded = primus.parser.encode, []
    monkeypatch.setattr(
        primus.parser, "encode", lambda value: encoded.append(value) or encode(value)
    )
    before = MemoryTransport.prepared

    assert news.write({"hello": "\u2028"}) is True

    assert len(encoded) == 1
    assert MemoryTransport.prepared == before + 1
    for number, wire in enumerate(wires):
        assert wire.sent == [f'[0,"{number:013}","news",{{"hello":"\\u2028"}}]']


@pytest.mark.parametrize(
    "id", ["a", "x" * 13, "with space", 'quote"', "é" * 12, "x" * 100, "a-_b" * 3]
)
@pytest.mark.parametrize("parser", ["json", "msgpack"])
def test_every_id_gets_the_packet_that_is_its_own(make_primus: Any, id: str, parser: str) -> None:
    primus = make_primus("multiplex", parser=parser)
    for other in ("first-of-all-1", id, "last-of-all-12"):
        _, wire = join(primus)
        wire.receive(primus.parser.encode([1, other, "news"]))

    primus.channel("news").write({"value": [None, id]})
    primus.channel("news").write(None)

    for spark in primus:
        (one,) = spark.channels
        sent = [primus.parser.decode(frame) for frame in spark._transport.sent]
        assert sent == [[0, one.id, "news", {"value": [None, id]}], [0, one.id, "news"]]


def test_a_message_goes_to_some_only_when_asked(primus: Any) -> None:
    _, _, first = subscribe(primus, id="one")
    two, _, second = subscribe(primus, id="two")

    primus.channel("news").write(1, to=[two])

    assert (first.sent, second.sent) == ([], ['[0,"two","news",1]'])


def test_a_message_that_cannot_be_encoded_raises_and_reaches_no_subscription(primus: Any) -> None:
    wires = [subscribe(primus, id=f"subscription{number}")[2] for number in range(3)]

    with pytest.raises(ParserError, match=r'data\["price"\]'):
        primus.channel("news").write({"price": {1, 2}})

    assert [wire.sent for wire in wires] == [[], [], []]


async def test_an_async_parser_sends_each_packet_for_itself(make_primus: Any) -> None:
    class Slow:
        async def encode(self, value: Any) -> str:
            return repr(value)

        async def decode(self, frame: str) -> Any:
            return eval(frame)

    primus = make_primus("multiplex", parser=Slow())
    _, wire = join(primus)
    wire.receive("[1, 'subscription', 'news']")
    await eventually(lambda: len(primus.channel("news")) == 1)

    primus.channel("news").write("hello")

    await eventually(lambda: wire.sent == ["[0, 'subscription', 'news', 'hello']"])


def test_for_each_calls_with_what_the_function_takes_until_false(primus: Any) -> None:
    one, _, _ = subscribe(primus, id="one")
    two, _, _ = subscribe(primus, id="two")
    news, seen = primus.channel("news"), []

    assert news.for_each(lambda spark, id, every: seen.append((spark, id, len(every)))) is None
    assert seen == [(one, "one", 2), (two, "two", 2)]
    seen.clear()
    news.for_each(lambda spark: bool(seen.append(spark)))
    assert seen == [one]


async def test_for_each_can_be_async(primus: Any) -> None:
    subscribe(primus, id="one")
    two, _, _ = subscribe(primus, id="two")
    subscribe(primus, id="three")
    seen = []

    async def visit(spark: Any, id: str) -> None:
        seen.append(id)
        two.end()

    await primus.channel("news").for_each(visit)

    assert seen == ["one", "three"]


async def test_for_each_stops_at_the_first_false_that_is_awaited(primus: Any) -> None:
    for id in ("one", "two", "three"):
        subscribe(primus, id=id)
    seen: list[str] = []
    last = "one"

    async def visit(spark: Any, id: str) -> bool:
        seen.append(id)
        return id != last

    await primus.channel("news").for_each(visit)
    last = "two"
    await primus.channel("news").for_each(visit)

    assert seen == ["one", "one", "two"]


# -- threads


async def test_other_threads_write_in_their_order_and_can_wait(primus: Any) -> None:
    one, _, wire = subscribe(primus)
    news = primus.channel("news")

    def write() -> Any:
        for number in range(3):
            news.write(number)
            one.write([number])
        return news.thread.write("waited for"), one.thread.write("too"), len(news.thread)

    assert await asyncio.to_thread(write) == (True, True, 1)
    await eventually(lambda: len(wire.sent) == 8)
    assert [primus.parser.decode(frame)[3] for frame in wire.sent] == [
        *(0, [0], 1, [1], 2, [2], "waited for", "too")
    ]


# -- what stays


@pytest.mark.parametrize("way", ["unsubscribe", "lose", "server"])
def test_nothing_stays_of_a_thousand_channels_on_one_connection(primus: Any, way: str) -> None:
    spark, wire = join(primus)
    kept = []
    for number in range(1000):
        wire.receive(f'[1,"id{number}","channel{number}"]')
        channel = primus.channels.get(f"channel{number}")
        kept += [weakref.ref(channel), weakref.ref(next(iter(channel)))]
    del channel
    assert (len(spark.channels), len(primus.channels)) == (1000, 1000)

    if way == "unsubscribe":
        wire.receive(*(f'[2,"id{number}","channel{number}"]' for number in range(1000)))
    elif way == "lose":
        wire.lose()
    else:
        for each in primus.channels:
            each.for_each(lambda one: one.end())
        del each
    gc.collect()

    assert (len(spark.channels), len(primus.channels), spark.channels.channels_made) == (0, 0, 0)
    assert [ref for ref in kept if ref() is not None] == []


def test_nothing_stays_of_a_thousand_connections_in_one_channel(primus: Any) -> None:
    news = primus.channel("news")
    wires = [join(primus)[1] for _ in range(1000)]
    for number, wire in enumerate(wires):
        wire.receive(f'[1,"id{number}","news"]')
    kept = [weakref.ref(spark) for spark in news]
    assert len(news) == 1000

    for wire in wires:
        wire.lose()
    del wire
    gc.collect()

    assert (len(news), len(primus)) == (0, 0)
    assert [ref for ref in kept if ref() is not None] == []


def test_what_another_plugin_gives_needs_that_plugin(primus: Any) -> None:
    one, _, _ = subscribe(primus)
    news = primus.channel("news")

    for call in (
        lambda: one.send("event"),
        lambda: news.send("event"),
        lambda: one.join("room"),
        lambda: news.room("room"),
    ):
        with pytest.raises(PluginError, match="plugin"):
            call()


async def test_a_write_from_another_thread_is_left_to_the_loop(primus: Any) -> None:
    channel = primus.channel("news")
    _, wire = join(primus)
    wire.receive('[1,"a","news"]')

    assert await asyncio.to_thread(channel.write, "from a thread") is True
    with pytest.raises(ParserError):
        await asyncio.to_thread(channel.write, object())

    await eventually(lambda: wire.sent == ['[0,"a","news","from a thread"]'])
