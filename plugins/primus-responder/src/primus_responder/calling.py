"""`write_and_wait` of sparks and sockets, and what arrives for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from primus import Packet, PrimusError, Spark, TransportError
from primus.answers import CONFIGURED, Answers, Reply, Timeout, Words
from primus.events import Delivered
from primus.option_checks import duration
from primus_responder import packets

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "ResponseFailed",
    "ResponseLost",
    "ResponseTimeout",
    "incoming",
    "is_responding",
    "responses_of",
    "timeout_in",
    "write_and_wait",
]


class ResponseFailed(PrimusError):
    """The other side has no response; the text is what it says.

    A listener of ``request`` that raises it chooses the text that the other side sees.
    """


class ResponseTimeout(PrimusError, TimeoutError):
    """The other side has not responded in time; it may have received the request."""


class ResponseLost(TransportError):
    """The connection went before the response came; the request may have been received."""


WORDS: Final = Words(
    late=ResponseTimeout, lost=ResponseLost, failed=ResponseFailed, answered="answered"
)


class ResponseReply(Reply):
    """The function that answers a request."""

    __slots__ = ()

    packet = staticmethod(packets.response)
    failure = staticmethod(packets.failure)


def timeout_in(extra: Mapping[str, Any]) -> float | None:
    """The option ``responder_timeout``, among those that plugins have declared.

    Raises:
        OptionError: it cannot work.
    """
    return duration("responder_timeout", extra["responder_timeout"])


def responses_of(connection: Any) -> Answers[str]:
    """The responses that a spark or socket awaits, made when they are first needed."""
    responses: Answers[str] | None = connection.responses
    if responses is None:
        options = connection.primus.options if isinstance(connection, Spark) else connection.options
        timeout = timeout_in(options.extra)
        responses = connection.responses = Answers(connection, _ids(), WORDS, timeout)
    return responses


def _ids() -> Iterator[str]:
    """Ids that no other connection uses: a Node peer may respond over its next one."""
    while True:
        yield str(uuid4())


async def write_and_wait(
    connection: Spark | Socket, data: Any, timeout: Timeout = CONFIGURED
) -> Any:
    """Send a request, which is the event ``request`` there, and wait for the response.

    Args:
        connection: the spark or socket.
        data: any message.
        timeout: how many seconds the response may take, `None` for as long as the connection
            lasts; by default the option ``responder_timeout``.

    Returns:
        What the other side responded.

    Raises:
        ResponseTimeout: there was no response in time.
        ResponseLost: the connection went before, or the request could not be sent.
        ResponseFailed: the other side has no listener, or one that raised.
        OptionError: the timeout cannot work.
    """

    def send(id: str) -> bool:
        return connection.write(packets.request(id, data))

    return await responses_of(connection).answer("the request", send, timeout)


def is_responding(connection: Any) -> bool:
    """Whether requests go over a connection: not over channels and streams above one."""
    return hasattr(connection, "responses")


def incoming(packet: Packet, connection: Spark | Socket) -> Any:
    """Make events of requests, and bring responses to their callers."""
    data = packet.data
    if type(data) is dict and "plugin" not in data:
        return None
    message = packets.read(data) if is_responding(connection) else None
    return None if message is None else _received(message, connection)


def _received(
    message: packets.Request | packets.Response | packets.Invalid, connection: Spark | Socket
) -> Delivered:
    match message:
        case packets.Request(id, data, fails):
            responses = responses_of(connection)
            return connection.take_request("request", (data,), ResponseReply(responses, id, fails))
        case packets.Response(str() as id, data, None):
            return responses_of(connection).arrived(id, data)
        case packets.Response(str() as id, _, str() as error):
            responses_of(connection).refused(id, error)
    return False
