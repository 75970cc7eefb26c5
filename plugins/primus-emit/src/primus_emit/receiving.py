"""What arrives for the plugin ``emitter``, and when nothing will arrive any more."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from primus import Packet, Spark, hookimpl
from primus.answers import Answers
from primus.arriving import Arriving
from primus.events import Delivered
from primus.pipeline import Transform, for_streams
from primus_emit import packets
from primus_emit.acks import AckReply
from primus_emit.sending import acks_of

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["incoming", "primus_event", "primus_lost", "primus_overtakes"]


def incoming(visible: bool) -> Transform:
    """The transform that makes events of packets.

    Args:
        visible: whether packets are ``data`` as well.
    """

    def transform(packet: Packet, connection: Any) -> Any:
        data = packet.data
        if type(data) is dict:
            if "data" not in data:
                return None
            message = packets.read_event(data) or packets.read(data)
        else:
            message = packets.read(data)
        if message is None or not hasattr(connection, "acks"):  # as a stream that sends no events
            return None
        delivered = _deliver(message, connection)
        if visible:
            return None if delivered is False else _done(delivered)
        return delivered

    return for_streams(transform)


def _deliver(
    message: packets.Event | packets.Ack | tuple[str, list[Any], int | None, bool],
    connection: Spark | Socket,
) -> Delivered:
    if isinstance(message, packets.Ack):
        return _acknowledged(acks_of(connection), message)
    name, args, id, fails = message
    is_reserved = connection.reserved(name)
    if id is None:
        return False if is_reserved else connection.deliver(name, *args)
    ack = AckReply(acks_of(connection), id, fails)
    if is_reserved:
        ack.unheard()
        return False
    return connection.take_request(name, args, ack)


def _acknowledged(acks: Answers[float], message: packets.Ack) -> Delivered:
    id, args, error = message
    if error is None:
        return acks.arrived(id, args)
    acks.refused(id, error)
    return False


async def _done(delivered: Awaitable[Any]) -> None:
    await delivered


@hookimpl
def primus_overtakes(data: Any) -> bool:
    """An acknowledgement does not wait for a busy listener: it may be what that one awaits."""
    return isinstance(packets.read(data), packets.Ack)


@hookimpl
def primus_event(connection: Any, data: Any) -> Arriving | None:
    """An event of primus-emitter, for plugins that judge events."""
    message = packets.read(data)
    if not isinstance(message, packets.Event) or not hasattr(connection, "acks"):
        return None
    return Arriving(
        message.name, [*message.args], lambda args: {**data, "data": [message.name, *args]}
    )


@hookimpl
def primus_lost(connection: Any) -> None:
    """Fail what awaits an acknowledgement, once the wire is gone.

    The end of the connection would be too late: it comes behind the messages that have arrived,
    which may wait for a listener that awaits the acknowledgement.
    """
    if connection.acks is not None or connection.ready_state == Spark.OPEN:
        acks_of(connection).cut()
