"""What arrives for the plugin ``emitter``, and when nothing will arrive any more."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from primus import Packet, Spark, hookimpl
from primus.answers import Answers, Reply
from primus.events import Delivered
from primus.pipeline import Transform, for_streams
from primus_emit import packets
from primus_emit.acks import AckFailed
from primus_emit.sending import acks_of

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["incoming", "primus_lost", "primus_overtakes"]

UNHEARD: Final = "no listener"
FAILED: Final = "the listener failed"


def incoming(visible: bool) -> Transform:
    """The transform that makes events of packets.

    Args:
        visible: whether packets are ``data`` as well.
    """

    def transform(packet: Packet, connection: Any) -> Any:
        message = packets.read(packet.data)
        if message is None or not hasattr(connection, "acks"):  # as a stream that sends no events
            return None
        delivered = _deliver(message, connection)
        if visible:
            return None if delivered is False else _done(delivered)
        return delivered

    return for_streams(transform)


def _deliver(message: packets.Event | packets.Ack, connection: Spark | Socket) -> Delivered:
    if isinstance(message, packets.Ack):
        return _acknowledged(acks_of(connection), message)
    name, args, id, fails = message
    is_reserved = connection.reserved(name)
    if id is None:
        return False if is_reserved else connection.deliver(name, *args)
    ack = Ack(acks_of(connection), id, fails)
    if is_reserved:
        ack.unheard()
        return False
    return connection.deliver_request(name, *args, reply=ack)


def _acknowledged(acks: Answers[float], message: packets.Ack) -> Delivered:
    id, args, error = message
    if error is None:
        return acks.arrived(id, args)
    acks.fail(id, AckFailed(error))
    return False


class Ack(Reply):
    """Acknowledges an event: called by its listener, with arguments of the listener's own.

    Args:
        acks: of the connection that the event came over.
        id: what the sender calls the event.
        may_fail: whether the sender understands that there will be no acknowledgement.
    """

    __slots__ = ("_id", "_may_fail")

    def __init__(self, acks: Answers[float], id: float, may_fail: bool) -> None:
        super().__init__(acks, partial(_ack, id))
        self._id = id
        self._may_fail = may_fail

    def returned(self, value: Any) -> bool:
        """As `Reply.returned`: a tuple is several arguments, and `None` is none."""
        if isinstance(value, tuple):
            return self(*value)
        return self() if value is None else self(value)

    def is_refusal(self, error: BaseException) -> bool:
        """As `Reply.is_refusal`: `AckFailed`, where the sender can be told."""
        return self._may_fail and isinstance(error, AckFailed)

    def fail(self, error: BaseException) -> None:
        """As `Reply.fail`; of all exceptions only `AckFailed` is meant for the sender."""
        self._refuse(str(error) if isinstance(error, AckFailed) else FAILED)

    def unheard(self) -> None:
        """As `Reply.unheard`."""
        self._refuse(UNHEARD)

    def _refuse(self, reason: str) -> None:
        if self._may_fail:
            self._send(packets.failure, self._id, reason)


def _ack(id: float, *args: Any) -> dict[str, Any]:
    return packets.ack(id, args)


async def _done(delivered: Awaitable[Any]) -> None:
    await delivered


@hookimpl
def primus_overtakes(data: Any) -> bool:
    """An acknowledgement does not wait for a busy listener: it may be what that one awaits."""
    return isinstance(packets.read(data), packets.Ack)


@hookimpl
def primus_lost(connection: Any) -> None:
    """Fail what awaits an acknowledgement, once the wire is gone.

    The end of the connection would be too late: it comes behind the messages that have arrived,
    which may wait for a listener that awaits the acknowledgement.
    """
    if connection.acks is not None or connection.ready_state == Spark.OPEN:
        acks_of(connection).cut()
