"""Our client, under the commands of client.js."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import wire
from events import hearing
from events import send as send_event
from streams import COMMANDS as STREAM_COMMANDS
from streams import watch as watch_stream

from primus import Socket

MILLISECONDS = {"timeout": "timeout", "ping": "ping", "pong": "pong", "pingTimeout": "ping_timeout"}
"""Options of Node Primus in milliseconds, which we take in seconds."""

PLAIN = ("open", "close", "end", "offline", "online", "timeout", "destroy")
ATTEMPTS = (
    "reconnect",
    "reconnect scheduled",
    "reconnected",
    "reconnect timeout",
    "reconnect failed",
)

sockets: dict[str, Socket] = {}


def options_of(options: dict[str, Any]) -> dict[str, Any]:
    """Options in Node's names and units, in ours."""
    ours = dict(options)
    for name, our_name in MILLISECONDS.items():
        if name in ours:
            value = ours.pop(name)
            ours[our_name] = value / 1000 if value else value
    if "reconnect" in ours:
        ours["reconnect"] = {
            name: value / 1000 if name in ("min", "max", "timeout") else value
            for name, value in ours["reconnect"].items()
        }
    return ours


def connect(
    on: str,
    url: str,
    options: dict[str, Any],
    writes: list[Any],
    library: None,
    hear: tuple[str, ...] = (),
    resources: tuple[dict[str, Any], ...] = (),
    substreams: tuple[str, ...] = (),
    channels: tuple[str, ...] = (),
    inside: tuple[str, ...] = (),
    **names: str,
) -> None:
    """Make a socket, and write ``writes`` at once, long before it can be open."""
    if "analytics" in options:
        options["analytics"]["sink"] = lambda report: wire.report(on, "ga", args=to_ga(report))
    sockets[on] = socket = Socket(url, **names, **options_of(options))
    socket.on("data", lambda message: wire.report(on, "data", data=message))
    socket.on("error", lambda error: wire.report(on, "error", **problem(error)))
    socket.on("readyStateChange", lambda state: wire.report(on, "readyStateChange", state=state))
    for event in PLAIN:
        socket.on(event, plain(on, event))
    for event in ATTEMPTS:
        socket.on(event, attempt(on, event))
    for name in hear:
        socket.on(name, hearing(on, name))
    for about in resources:
        use_resource(on, **about)
    for name in substreams:
        watch_stream(on, name, socket.substream(name))
    for name in channels:
        subscribe(on, name, name, inside)
    for value in writes:
        socket.write(value)


def to_ga(report: dict[str, Any]) -> list[Any]:
    """A report of analytics as the arguments of ``ga``."""
    kind = report.pop("hitType") if report["hitType"] == "exception" else None
    return ["send", report] if kind is None else ["send", kind, report]


def subscribe(on: str, stream: str, name: str, inside: tuple[str, ...] = ()) -> str:
    """Subscribe to a channel, and give the id."""
    channel = sockets[on].channel(name)
    watch_stream(on, stream, channel, inside)
    wire.report(on, "channel", stream=stream, id=channel.id)
    return str(channel.id)


def plain(on: str, event: str) -> Callable[[], None]:
    """A listener that reports an event without fields."""

    def happened() -> None:
        wire.report(on, event)

    return happened


def attempt(on: str, event: str) -> Callable[..., None]:
    """A listener that reports an event of a reconnection."""

    def happened(*arguments: Any) -> None:
        opts = arguments[-1] if arguments else None
        about = {name: getattr(opts, name, None) for name in ("attempt", "scheduled")}
        wire.report(on, event, **about)

    return happened


def problem(error: Exception) -> dict[str, Any]:
    """What a test wants to know of an error."""
    return {"message": str(error), "status": getattr(error, "status", None)}


def write(on: str, values: list[Any]) -> None:
    """Write each value."""
    for value in values:
        sockets[on].write(value)


def emit(on: str, name: str, args: list[Any]) -> bool:
    """Emit an event of primus-emit."""
    return sockets[on].emit(name, *args)


async def request(on: str, data: Any) -> Any:
    """Send a request of primus-responder, and give the response."""
    return await sockets[on].write_and_wait(data)


async def call(on: str, name: str, multiplex: bool, method: str, args: list[Any]) -> list[Any]:
    """Call a method of a resource, and give what it answers."""
    answer = await sockets[on].resource(name, multiplex=multiplex).call(method, *args)
    return list(answer) if isinstance(answer, tuple) else [] if answer is None else [answer]


def use_resource(on: str, name: str, *, multiplex: bool) -> None:
    """Report when a resource is ready, and the event that the server broadcasts to it."""
    remote = sockets[on].resource(name, multiplex=multiplex)
    remote.on("bark", hearing(on, name))
    remote.on("ready", lambda _, names: wire.report(on, "ready", name=name, methods=sorted(names)))


async def send(on: str, name: str, args: list[Any], *, ask: bool = False) -> Any:
    """Send an event of primus-emitter."""
    return await send_event(sockets[on], name, args, ask=ask)


def end(on: str, **data: Any) -> None:
    """End the connection, with a last message if there is one."""
    sockets[on].end(*data.values())


def open_(on: str) -> None:
    """Open it."""
    sockets[on].open()


def fail(on: str, text: str) -> None:
    """Let an error happen, as far as listeners can tell."""
    sockets[on].dispatch("error", RuntimeError(text))


async def destroy(on: str) -> None:
    """Destroy it."""
    result: Any = sockets.pop(on).destroy()
    if result is not None and hasattr(result, "__await__"):
        await result


def state(on: str) -> int:
    """Its ready state."""
    return sockets[on].ready_state


def latency(on: str) -> float:
    """Its latency in milliseconds."""
    return sockets[on].latency * 1000


async def id_(on: str) -> str:
    """Its id, as the server tells it."""
    return await sockets[on].id()


COMMANDS: dict[str, wire.Command] = {
    "connect": connect,
    "write": write,
    "emit": emit,
    "call": call,
    "request": request,
    "send": send,
    "end": end,
    "open": open_,
    "fail": fail,
    "destroy": destroy,
    "state": state,
    "latency": latency,
    "id": id_,
    "subscribe": subscribe,
    **STREAM_COMMANDS,
}

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(wire.serve(COMMANDS))
