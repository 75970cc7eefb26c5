"""`send` and `ask`, of sparks and sockets, and `send` of a Primus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from primus import Primus, PrimusError, Spark
from primus.events import Delivered, Emitter
from primus.option_checks import duration, flag
from primus_emit import packets
from primus_emit.acks import AckLost, Acks, Waiting

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["acks_of", "ask", "send", "send_to_all", "settings"]

AS_CONFIGURED: Final = object()
UNSENT: Final = ("newListener", "removeListener")
"""How the names begin that Node's emitters use for themselves; primus-emitter sends none."""


class Settings(NamedTuple):
    """The options of the plugin."""

    timeout: float | None
    data: bool


def settings(extra: Mapping[str, Any]) -> Settings:
    """The options of the plugin, among those that plugins have declared.

    Raises:
        OptionError: one cannot work.
    """
    return Settings(
        duration("emitter_timeout", extra["emitter_timeout"]),
        flag("emitter_data", extra["emitter_data"]),
    )


def acks_of(connection: Any) -> Acks:
    """The `Acks` of a spark or socket, made when they are first needed."""
    acks: Acks | None = connection.acks
    if acks is None:
        options = connection.primus.options if isinstance(connection, Spark) else connection.options
        acks = connection.acks = Acks(options.clock, settings(options.extra).timeout)
    return acks


def send(
    connection: Spark | Socket, event: str, /, *args: Any, timeout: Any = AS_CONFIGURED
) -> bool:
    """Send an event to the other side.

    Args:
        connection: the spark or socket.
        event: its name.
        args: what its listeners get. A last one that is callable, plain or async, is called with
            what they acknowledge; not at all, when they do not.
        timeout: how many seconds they have for that; by default the option ``emitter_timeout``,
            with `None` as long as the connection lasts.

    Returns:
        What `write` returns.
    """
    if not args or not callable(args[-1]):
        return _write(connection, event, args)
    *rest, callback = args
    acks = acks_of(connection)
    id = _expect(acks, _callback(connection, event, callback), timeout)
    sent = not acks.is_cut(connection) and _write(connection, event, rest, id)
    if not sent:
        acks.forget(id)
    return sent


async def ask(
    connection: Spark | Socket, event: str, /, *args: Any, timeout: Any = AS_CONFIGURED
) -> Any:
    """Send an event to the other side, and wait for its acknowledgement.

    Args:
        connection: the spark or socket.
        event: its name.
        args: what its listeners get.
        timeout: as for `send`.

    Returns:
        What was acknowledged: `None`, a value, or a tuple of several.

    Raises:
        AckTimeout: there was no acknowledgement in time.
        AckLost: the connection went before, or the event could not be sent.
    """
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    acks = acks_of(connection)
    id = _expect(acks, _question(connection, event, answer), timeout)
    try:
        if acks.is_cut(connection) or not _write(connection, event, args, id):
            raise AckLost(f"{event!r} was not sent: the connection has ended, or does not keep up")
        return await answer
    finally:
        acks.forget(id)


def send_to_all(
    primus: Primus,
    event: str,
    /,
    *args: Any,
    timeout: Any = AS_CONFIGURED,
    to: Iterable[Spark] | None = None,
) -> None:
    """Send an event to every spark, or `to` some, as `send` does; a callback is called for each."""
    if args and callable(args[-1]):
        for spark in primus if to is None else to:
            send(spark, event, *args, timeout=timeout)
    elif not event.startswith(UNSENT):
        primus.write(packets.event(event, args), to=to)


def _write(
    connection: Spark | Socket, event: str, args: Sequence[Any], id: int | None = None
) -> bool:
    return not event.startswith(UNSENT) and connection.write(packets.event(event, args, id))


def _expect(acks: Acks, waiting: Waiting, timeout: Any) -> int:
    chosen = acks.timeout if timeout is AS_CONFIGURED else duration("timeout", timeout)
    return acks.expect(waiting, chosen)


def _callback(connection: Spark | Socket, event: str, fn: Callable[..., Any]) -> Waiting:
    """Calls `fn` as a listener is called, once."""
    name = f"acknowledgement of {event}"
    listeners = Emitter()
    listeners.on(name, fn)
    listeners.on("error", lambda error: connection.dispatch("error", error))

    def answered(args: Sequence[Any]) -> Delivered:
        return connection.deliver(name, *args, to=listeners)

    def failed(error: PrimusError) -> None:
        connection.log.debug("%r: %s", connection, error)

    return Waiting(event, answered, failed, connection.ready_state == Spark.OPEN)


def _question(connection: Spark | Socket, event: str, answer: asyncio.Future[Any]) -> Waiting:
    """Settles the future that `ask` awaits."""

    def answered(args: Sequence[Any]) -> Literal[False]:
        if not answer.done():
            answer.set_result(tuple(args) if len(args) > 1 else next(iter(args), None))
        return False

    def failed(error: PrimusError) -> None:
        if not answer.done():
            answer.set_exception(error)

    return Waiting(event, answered, failed, connection.ready_state == Spark.OPEN)
