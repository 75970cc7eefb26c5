"""Substreams and channels under the commands of streams.js."""

from typing import Any

import wire
from events import send as send_event

streams: dict[str, Any] = {}


def watch(on: str, name: str, stream: Any, hear: tuple[str, ...] = ()) -> None:
    """Report what a stream emits, and events within it; an acknowledgement has their arguments."""
    streams[f"{on} {name}"] = stream
    stream.on("data", lambda data: wire.report(on, "stream data", stream=name, data=data))
    stream.on("end", lambda: wire.report(on, "stream end", stream=name))
    for event in hear:
        stream.on(event, hearing(on, name))


def hearing(on: str, name: str) -> Any:
    """A listener that answers with its arguments."""

    def heard(*args: Any) -> None:
        ack = args[-1] if args and callable(args[-1]) else None
        plain = list(args[:-1] if ack else args)
        wire.report(on, "stream heard", stream=name, args=plain)
        if ack:
            ack(*plain)

    return heard


def stream_write(on: str, stream: str, values: list[Any]) -> list[bool]:
    """Write each value."""
    return [streams[f"{on} {stream}"].write(value) for value in values]


def stream_end(on: str, stream: str, data: Any = None) -> None:
    """End it, behind a last message."""
    streams[f"{on} {stream}"].end(data)


def stream_join(on: str, stream: str, room: str) -> None:
    """Let the spark of a channel be in a room."""
    streams[f"{on} {stream}"].join(room)


async def stream_send(
    on: str, stream: str, name: str, args: list[Any], *, ask: bool = False
) -> Any:
    """Send an event of primus-emitter."""
    return await send_event(streams[f"{on} {stream}"], name, args, ask=ask)


COMMANDS: dict[str, wire.Command] = {
    each.__name__: each for each in (stream_write, stream_end, stream_join, stream_send)
}
