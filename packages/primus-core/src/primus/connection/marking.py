"""Messages that go right behind a control message, or again: what plugins need that recover them.

The functions are methods of `Connection`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any, Protocol

from primus.callables import PLAIN, after, dispose, is_awaitable
from primus.connection.outbox import Outbox, Step
from primus.errors import ControlTextError, ParserError, PrimusError, TransformError
from primus.pipeline import SWALLOWED, Packet, Pipeline, run
from primus.protocol import check_message
from primus.transport import PreparedFrames, Transport

__all__ = ["relay_marked", "send_again", "write_marked"]


class Marking(Protocol):
    """The connection, as far as it is used here."""

    pipeline: Pipeline
    sent: int
    _traced: bool
    _transport: Transport | None
    _outbox: Outbox | None

    def dispatch(self, event: str, /, *args: Any) -> bool:
        """As `Emitter.dispatch`."""

    def _admits_relay(self) -> bool:
        """Whether a frame for many may be sent, now or in its turn."""

    def _postpone(self, step: Step, value: Any) -> bool:
        """Take a step in its turn; False when too many wait already."""

    def _take_turn(self, step: Step, data: Any) -> bool:
        """Take a step that sends, behind all that was written before."""

    def _encoded(self, data: Any) -> Any:
        """The frame of a value, or an awaitable of one."""

    def _carry(self, frame: str | bytes) -> bool:
        """Send a frame, whose separators are escaped; False when there is no wire."""

    def _report(self, error: Exception) -> None:
        """Tell the listeners to ``error``."""


def send_again(connection: Marking, frame: str | bytes) -> bool:
    """Send a frame that was sent over an earlier connection, in its turn; for plugins.

    It counts as sent, and is not told of by ``outgoing::message``.

    Returns:
        What `write` returns.
    """
    return connection._take_turn(partial(_send_kept, connection), frame)


def _send_kept(connection: Marking, frame: str | bytes) -> None:
    if connection._carry(frame):
        connection.sent += 1


def relay_marked(
    connection: Marking,
    frame: str | bytes,
    prepared: PreparedFrames,
    mark: str | bytes,
    marked: PreparedFrames,
) -> bool:
    """Send a frame that goes to many connections, right behind a control message; or neither.

    It is not told of by ``outgoing::message``.

    Args:
        connection: the connection.
        frame: as `Connection.relay`.
        prepared: as `Connection.relay`.
        mark: the frame of the control message.
        marked: what each class of transport has made of that, as `prepared`.

    Returns:
        Whether both have been sent, or wait for their turn.
    """
    transport, outbox = connection._transport, connection._outbox
    if transport is None or not connection._admits_relay():
        return False
    if outbox is not None and outbox.is_busy:
        return connection._postpone(partial(_send_marked, connection), (mark, frame))
    if connection._traced:
        connection.dispatch("outgoing::data", mark)
        connection.dispatch("outgoing::data", frame)
    kind = type(transport)
    for each, made in ((mark, marked), (frame, prepared)):
        ready = made.get(kind)
        if ready is None:
            ready = made[kind] = kind.prepare(each)
        transport.send_prepared(ready)
    connection.sent += 1
    return True


def write_marked(connection: Marking, data: Any, mark: str | bytes) -> bool:
    """As `relay_marked`, for a message that passes the outgoing transforms first.

    Returns:
        What `write` returns.
    """
    return connection._take_turn(partial(_transform_marked, connection), (mark, data))


def _transform_marked(
    connection: Marking, marked: tuple[str | bytes, Any]
) -> Awaitable[None] | None:
    mark, data = marked

    def send(result: Any) -> None:
        if result is SWALLOWED:
            return
        try:
            check_message(result)
            frame = connection._encoded(result)
        except (ControlTextError, ParserError) as error:
            connection._report(error)
            return
        if isinstance(frame, str | bytes):
            _send_marked(connection, (mark, frame))
        else:
            dispose(frame)
            connection._report(PrimusError("an async parser cannot write a marked message"))

    try:
        result = run(connection.pipeline.outgoing, Packet(data), connection)
    except TransformError as error:
        connection._report(error)
        return None
    if type(result) not in PLAIN and is_awaitable(result):
        return after(result, send, connection._report)
    send(result)
    return None


def _send_marked(connection: Marking, frames: tuple[str | bytes, str | bytes]) -> None:
    """Send a control message and the message behind it."""
    mark, frame = frames
    if frame != "" and connection._carry(mark) and connection._carry(frame):
        connection.sent += 1
