"""`send` and `ask`, of sparks and sockets, and `send` of a Primus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from secrets import randbelow
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from primus import Primus, Spark
from primus.answers import CONFIGURED, Answers, Timeout
from primus.option_checks import duration, flag
from primus_emit import packets
from primus_emit.acks import WORDS, acknowledged

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["acks_of", "ask", "event_message", "send", "send_to_all", "settings"]

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


def acks_of(connection: Any) -> Answers[float]:
    """What a spark or socket awaits, or what stands on one as ``conn``; made when first needed."""
    acks: Answers[float] | None = connection.acks
    if acks is None:
        main = getattr(connection, "conn", connection)
        options = main.primus.options if isinstance(main, Spark) else main.options
        timeout = settings(options.extra).timeout
        acks = connection.acks = Answers(connection, count(_first_id(main)), WORDS, timeout)
    return acks


def _first_id(connection: Any) -> int:
    """The first id that a connection asks by.

    The plugin ``recovery`` sends acknowledgements of an earlier connection again: those must not be
    taken for answers to what is asked over this one.
    """
    came_back = isinstance(connection, Spark) and getattr(connection, "recovered", None) is not None
    return 1 + (randbelow(2**32) if came_back else 0)


def send(
    connection: Spark | Socket, event: str, /, *args: Any, timeout: Timeout = CONFIGURED
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
    send = partial(_write, connection, event, rest)
    return acks.ask(repr(event), send, callback, timeout)


async def ask(
    connection: Spark | Socket, event: str, /, *args: Any, timeout: Timeout = CONFIGURED
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
        RuntimeError: this is another thread, where ``spark.thread.ask`` waits.
        AckFailed: the event has no listener on the other side, or one that raised.
        AckTimeout: there was no acknowledgement in time.
        AckLost: the connection went before, or the event could not be sent.
    """
    acks = acks_of(connection)
    send = partial(_write, connection, event, args, fails=True)
    return acknowledged(await acks.answer(repr(event), send, timeout))


def send_to_all(
    primus: Primus,
    event: str,
    /,
    *args: Any,
    timeout: Timeout = CONFIGURED,
    to: Iterable[Spark] | None = None,
) -> None:
    """Send an event to every spark, or `to` some, as `send` does; a callback is called for each."""
    if args and callable(args[-1]):
        later = partial(send_to_all, primus, event, *args, timeout=timeout, to=to)
        if primus.handed_over(later) is not None:
            return
        for spark in primus if to is None else to:
            send(spark, event, *args, timeout=timeout)
    elif (message := event_message(primus, event, *args)) is not None:
        primus.write(message, to=to)


def event_message(primus: Primus, event: str, /, *args: Any) -> dict[str, Any] | None:
    """What an event is written as, for what writes messages; `None` when it is never sent."""
    return None if event.startswith(UNSENT) else packets.event(event, args)


def _write(
    connection: Spark | Socket,
    event: str,
    args: Sequence[Any],
    id: int | None = None,
    *,
    fails: bool = False,
) -> bool:
    if event.startswith(UNSENT):
        return False
    return connection.write(packets.event(event, args, id, fails=fails))
