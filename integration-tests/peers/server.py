"""Our server, attached to an application, under the commands of server.js.

python server.py [aiohttp | own | uvicorn]
"""

import asyncio
import gc
import logging
import sys
import traceback
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import wire
from aiohttp.http_exceptions import HttpProcessingError
from events import hearing
from events import send as send_event
from hosts import HOSTS, Stop
from streams import COMMANDS as STREAM_COMMANDS
from streams import watch as watch_stream

from primus import Primus, PrimusError, Request, Spark, Unauthorized
from primus.browser import artefact

PAGE = """<!doctype html>
<meta charset="utf-8"><title>Primus</title>
<script src="/primus/primus.js"></script>
<script src="/tagged.js"></script>
<script src="/sockets.js"></script>
<script>var commands = makeSockets(function report(on, event, fields) {
  tell(tagged.stringify(Object.assign({ on: on, event: event }, fields)));
});</script>
"""

SECONDS = {
    "timeout": "timeout",
    "pingInterval": "ping_interval",
    "mirage timeout": "mirage_timeout",
}
"""Options of Node Primus in milliseconds, which we take in seconds."""

servers: dict[str, tuple[Primus, Stop]] = {}

for coding, compress in artefact.COMPRESSORS.items():
    artefact.COMPRESSORS[coding] = cache(compress)
"""The servers of all tests compress the same few libraries, each once."""

host = HOSTS[(*sys.argv[1:], "aiohttp")[0]]


def options_of(options: dict[str, Any]) -> dict[str, Any]:
    """Options in Node's names and units, in ours."""
    return {
        SECONDS.get(name, name): value / 1000 if name in SECONDS and value else value
        for name, value in options.items()
    }


def guard(token: str) -> Any:
    """Accept clients with ``?token=…``. A browser would ask a person about ``Basic``."""

    async def authorize(request: Request) -> None:
        await asyncio.sleep(0)
        if request.query.get("token") != token:
            raise Unauthorized("a token, please", authenticate='Token realm="primus"')

    return authorize


async def never(message: Any) -> None:
    """A listener that takes forever."""
    await asyncio.Event().wait()


def made(spark: Any) -> str:
    """Give a session id of mirage."""
    return "made"


async def refused(spark: Any) -> None:
    """Refuse a session id of mirage."""
    await asyncio.sleep(0)
    raise ValueError("refused")


async def replaced(spark: Any) -> str:
    """Replace a session id of mirage."""
    await asyncio.sleep(0)
    return f"not {spark.mirage}"


IDS = {"made": made, "refused": refused, "replaced": replaced, "never": never}
"""What gives and judges session ids of mirage, by name."""


VERDICTS: dict[Any, Any] = {
    "no": False,
    "yes": True,
    "text": "no such data",
    "error": ValueError("an error"),
    "nothing": "",
}


async def judge_later(value: Any) -> str | None:
    """Judge an event, in a while."""
    await asyncio.sleep(0)
    return "too bad" if value == "bad" else None


def judge(on: str, primus: Any, *, takes_spark: bool) -> None:
    """Judge messages with fortress-maximus; what it refuses is reported."""
    validators: dict[str, Any] = {
        "data": lambda data: VERDICTS.get(data) if isinstance(data, str) else None,
        "news": lambda first, second: first == second,
        "later": judge_later,
        "none": lambda: None,
        "unheard": lambda value: None,
    }
    with_spark: dict[str, Any] = {
        "data": lambda spark, data: validators["data"](data),
        "news": lambda spark, first, second: first == second,
        "later": lambda spark, value: judge_later(value),
        "none": lambda spark: None,
        "unheard": lambda spark, value: None,
    }
    for event, fn in (with_spark if takes_spark else validators).items():
        primus.validate(event, fn)

    @primus.on("invalid")
    def invalid(error: Any, args: list[Any]) -> None:
        wire.report(on, "invalid", text=str(error), name=error.event, args=args)


def overhearing(on: str, name: str) -> Any:
    """Report an event that has come over the wire and is emitted on the Primus."""

    def overheard(spark: Spark, *args: Any) -> None:
        wire.report(on, "overheard", name=name, args=args, spark=spark.id)

    return overheard


def watch(
    on: str,
    primus: Primus,
    *,
    echo: bool,
    quiet: bool,
    stuck: bool,
    hear: tuple[str, ...],
    overhear: tuple[str, ...],
) -> None:
    """Report what happens to the sparks, or, when quiet, only let them work."""
    tell = (lambda *_, **__: None) if quiet else wire.report
    for name in overhear:
        primus.on(name, overhearing(on, name))

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        about = {"query": dict(spark.query), "ip": spark.address.ip}
        tell(on, "connection", spark=spark.id, **about, mirage=vars(spark).get("mirage"))

        @spark.on("data")
        def data(message: Any) -> None:
            tell(on, "data", spark=spark.id, data=message)
            if echo:
                spark.write(message)

        @spark.on("heartbeat")
        def heartbeat() -> None:
            tell(on, "heartbeat", spark=spark.id)

        for name in hear:
            spark.on(name, hearing(on, name, spark=spark.id))

        if stuck:
            spark.on("data", never)

    @primus.on("disconnection")
    def disconnection(spark: Spark) -> None:
        tell(on, "disconnection", spark=spark.id)


def watch_streams(
    on: str,
    primus: Any,
    substreams: tuple[str, ...],
    channels: tuple[str, ...],
    hear: tuple[str, ...],
) -> None:
    """Report what happens in substreams of every spark, and in channels."""

    def connection(spark: Any) -> None:
        for name in substreams:
            watch_stream(on, name, spark.substream(name))

    primus.on("connection", connection)
    for name in channels:
        watch_channel(on, name, primus.channel(name), hear)


def watch_channel(on: str, name: str, channel: Any, hear: tuple[str, ...]) -> None:
    """Report the subscriptions of a channel, which are known by its name and their ids."""

    @channel.on("connection")
    def connection(spark: Any) -> None:
        wire.report(on, "subscribed", name=name, id=spark.id, spark=spark.conn.id)
        watch_stream(on, f"{name} {spark.id}", spark, hear)

    @channel.on("disconnection")
    def disconnection(spark: Any) -> None:
        wire.report(on, "unsubscribed", name=name, id=spark.id)


async def listen(
    on: str,
    port: int = 0,
    options: dict[str, Any] | None = None,
    token: str | None = None,
    *,
    echo: bool = False,
    quiet: bool = False,
    stuck: bool = False,
    page: str = PAGE,
    hear: tuple[str, ...] = (),
    overhear: tuple[str, ...] = (),
    substreams: tuple[str, ...] = (),
    channels: tuple[str, ...] = (),
    inside: tuple[str, ...] = (),
    ids: tuple[str, str] | None = None,
    fortress: bool = False,
) -> int:
    """Start a server on loopback, with a page that holds its primus.js, and get its port."""
    scripts = [Path(__file__).with_name(name) for name in ("tagged.js", "sockets.js")]
    site = host(
        {"/": ("text/html", page)}
        | {f"/{script.name}": ("text/javascript", script.read_text()) for script in scripts}
    )
    # How long a listener of a test takes is a matter of the machine.
    primus = Primus(site.app, **{"slow_listener": False, **options_of(options or {})})
    if token:
        primus.authorize(guard(token))
    if fortress:
        judge(on, primus, takes_spark=(options or {}).get("fortress") == "primus")
    if ids:
        mirage: Any = primus
        getattr(mirage.mirage, ids[0])(IDS[ids[1]])
    watch(on, primus, echo=echo, quiet=quiet, stuck=stuck, hear=hear, overhear=overhear)
    watch_streams(on, primus, substreams, channels, inside)
    port, stop = await site.start(primus, port)
    servers[on] = primus, stop
    return port


def channel_of(on: str, name: str) -> Any:
    """A channel of a server."""
    plugged: Any = servers[on][0]
    return plugged.channel(name)


def channel_write(on: str, name: str, data: Any) -> None:
    """Write to all of a channel."""
    channel_of(on, name).write(data)


def channel_send(on: str, name: str, event: str, args: list[Any]) -> None:
    """Send an event of primus-emitter to all of a channel."""
    channel_of(on, name).send(event, *args)


def channel_ids(on: str, name: str) -> list[str]:
    """The ids of the subscriptions of a channel."""
    return [*channel_of(on, name).connections]


def channel_destroy(on: str, name: str) -> None:
    """Destroy a channel."""
    channel_of(on, name).destroy()


def room_write(on: str, name: str, room: str, data: Any) -> None:
    """Write to a room of a channel."""
    channel_of(on, name).room(room).write(data)


def broadcast(on: str, data: Any) -> None:
    """Write to every spark."""
    servers[on][0].write(data)


def find(on: str, spark: str) -> Spark:
    """The spark with that id."""
    found = servers[on][0].spark(spark)
    assert found is not None, f"no spark {spark}"
    return found


def write(on: str, spark: str, values: list[Any]) -> None:
    """Write each value to one spark."""
    for value in values:
        find(on, spark).write(value)


def flood(on: str, spark: str, data: Any, times: int) -> int:
    """Write many times to one spark, and count what it accepted."""
    target = find(on, spark)
    return sum(target.write(data) for _ in range(times))


def emit(on: str, spark: str, name: str, args: list[Any]) -> bool:
    """Emit an event of primus-emit to one spark."""
    return find(on, spark).emit(name, *args)


async def request(on: str, spark: str, data: Any) -> Any:
    """Send a request of primus-responder to one spark, and give the response."""
    return await find(on, spark).write_and_wait(data)


def measured(on: str, spark: str) -> dict[str, float]:
    """What primus-spark-latency knows of a spark, in milliseconds."""
    found: Any = find(on, spark)
    return {"latency": found.latency * 1000, "offset": found.clock_offset * 1000}


class Todos:
    """The handler of a Backbone collection."""

    def __init__(self) -> None:
        self.todos: dict[str, Any] = {}

    def create(self, spark: Spark, data: Any, url: str) -> Any:
        """Add a todo, which needs a title."""
        if not data.get("title"):
            raise PrimusError("no title")
        id = str(len(self.todos) + 1)
        self.todos[id] = {**data, "id": id}
        return {"id": id}

    async def read(self, spark: Spark, data: Any, url: str) -> Any:
        """Give all of them, or the one of that url."""
        await asyncio.sleep(0)
        id = url.rpartition("/")[2]
        return self.todos.get(id) or list(self.todos.values())

    def patch(self, spark: Spark, data: Any, url: str) -> Any:
        """Change one."""
        self.todos[data["id"]].update(data)

    def delete(self, spark: Spark, data: Any, url: str) -> None:
        """Remove one."""
        del self.todos[url.rpartition("/")[2]]


def backbone(on: str, name: str) -> None:
    """Let a handler answer for the models of that name."""
    plugged: Any = servers[on][0]
    plugged.backbone(name, Todos())


class Creature:
    """A resource of primus-resource, with a method that answers with its arguments."""

    def __init__(self, on: str, name: str) -> None:
        self.on = on
        self.name = name

    def on_echo(self, spark: Spark, *args: Any) -> tuple[Any, ...]:
        """Give the arguments back."""
        wire.report(self.on, "called", name=self.name, args=args)
        return args

    def onNothing(self, spark: Spark) -> None:  # noqa: N802
        """Give nothing."""


def resource(on: str, name: str, *, multiplex: bool) -> None:
    """Make a resource of primus-resource."""
    plugged: Any = servers[on][0]
    plugged.resource(name, Creature(on, name), multiplex=multiplex)


def bark(on: str, name: str, args: list[Any]) -> None:
    """Broadcast an event to the clients of a resource."""
    plugged: Any = servers[on][0]
    plugged.resources[name].broadcast("bark", *args)


async def send(
    on: str, name: str, args: list[Any], spark: str | None = None, *, ask: bool = False
) -> Any:
    """Send an event of primus-emitter to one spark, or to all."""
    to = find(on, spark) if spark else servers[on][0]
    return await send_event(to, name, args, ask=ask)


def end(on: str, spark: str, data: Any = None, *, reconnect: bool = False) -> None:
    """End one spark."""
    find(on, spark).end(data, reconnect=reconnect)


def connected(on: str) -> list[str]:
    """The ids of the sparks that are connected."""
    return [spark.id for spark in servers[on][0]]


def id_for(on: str, name: str) -> str:
    """The id of the spark that a client calls ``name``."""
    return find(on, name).id


def library(on: str) -> str:
    """The browser client."""
    return servers[on][0].library()


async def destroy(on: str, *, reconnect: bool = False) -> None:
    """Destroy the server, and stop listening as Node's does."""
    primus, stop = servers.pop(on)
    await primus.destroy(reconnect=reconnect)
    await stop()


def census(on: str) -> dict[str, Any]:
    """How many objects of each type there are after a full collection, and the resident memory."""
    for _ in range(3):
        gc.collect()
    objects = gc.get_objects()
    counts = Counter(type(each).__qualname__ for each in objects)
    # asyncio keeps timers that were cancelled, with their contexts, until there are a hundred.
    cancelled = sum(isinstance(each, asyncio.TimerHandle) and each.cancelled() for each in objects)
    counts.subtract({"TimerHandle": cancelled, "Context": cancelled})
    return {"objects": counts, "rss": resident(), "tasks": len(asyncio.all_tasks())}


def resident() -> int:
    """Resident memory in bytes."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


COMMANDS = {
    each.__name__: each
    for each in (
        *(listen, broadcast, write, emit, request, send, flood, end),
        *(resource, bark, measured, backbone),
        *(channel_write, channel_send, channel_ids, channel_destroy, room_write),
        *(connected, id_for, library, destroy, census),
    )
} | STREAM_COMMANDS


def is_ours(record: logging.LogRecord) -> bool:
    """Leave out what aiohttp says of requests that never reach Primus.

    It logs bytes that are no HTTP, and clients that leave before their ``Expect`` is answered by
    its default handler, which our routes do not use.
    """
    error = record.exc_info[1] if record.exc_info else None
    names = {frame.name for frame in traceback.extract_tb(error.__traceback__)} if error else set()
    return not (isinstance(error, HttpProcessingError) or "_default_expect_handler" in names)


def is_unexpected(record: logging.LogRecord) -> bool:
    """Leave out the advice to list origins: pages come from anywhere here, on purpose."""
    return "List your origins" not in record.getMessage()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("primus.server").addFilter(is_unexpected)
    logging.getLogger("aiohttp.server").addFilter(is_ours)
    asyncio.run(wire.serve(COMMANDS))
