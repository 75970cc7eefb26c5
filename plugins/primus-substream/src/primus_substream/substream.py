"""`Substream`: one named stream, and all those of one connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from primus import MessageT_co, Packet, Spark
from primus.pipeline import Transforms
from primus.streams import Stream, Streams
from primus_substream import packets

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["Substream", "SubstreamSpark", "Substreams", "incoming", "substream", "substreams_of"]

CARRIED: Final = frozenset(
    {
        "close",
        "destroy",
        "error",
        "heartbeat",
        "offline",
        "online",
        "open",
        "reconnect",
        "reconnect failed",
        "reconnect scheduled",
        "reconnect timeout",
        "reconnected",
        "timeout",
    }
)
"""The events of sparks and sockets that their substreams emit as well."""


class Substreams(Streams):
    """The substreams of one connection, by name."""

    __slots__ = ("_by_name", "_chain", "_others")

    def __init__(self, connection: Spark | Socket) -> None:
        super().__init__(connection)
        self._by_name: dict[str, Substream] = {}
        self._chain: Transforms = ()
        self._others: Transforms = ()
        """The transforms of that chain but that of the plugin."""

    @property
    def transforms(self) -> Transforms:
        """The incoming transforms that a message passes."""
        chain = self.connection.pipeline.incoming
        if chain is not self._chain:
            self._others = tuple(one for one in chain if one is not incoming)
            self._chain = chain
        return self._others

    def get(self, name: str) -> Substream | None:
        """The stream of that name, until it ends."""
        return self._by_name.get(name)

    def open(self, name: str) -> Substream:
        """The stream of that name, made if there is none."""
        stream = self._by_name.get(name)
        if stream is None:
            stream = Substream(self, name)
            if stream in self:
                self._by_name[name] = stream
        return stream

    def discard(self, stream: Stream) -> None:
        """Forget a stream, and its name."""
        super().discard(stream)
        if isinstance(stream, Substream) and self._by_name.get(stream.name) is stream:
            del self._by_name[stream.name]


class Substream(Stream):
    """A named stream above a spark or socket; `Stream` explains its methods and events."""

    streams: Substreams

    def __init__(self, streams: Substreams, name: str) -> None:
        self.name = name
        """Its name, the same on both sides."""
        super().__init__(streams, CARRIED)
        self._packet = partial(packets.message, name)

    def __repr__(self) -> str:
        return f"<Substream {self.name!r} of {self.connection!r}>"

    @property
    def stream(self) -> Any:
        """The spark or socket that it stands on; `None` once it has ended."""
        return None if self._is_ending else self.connection

    def _send(self, data: Any) -> bool:
        return self.connection.write_for(self, data, self._packet)

    def _send_end(self) -> None:
        self.connection.write_past(packets.end(self.name))

    def _transforms(self) -> Transforms:
        return self.streams.transforms


def substream(connection: Spark | Socket, name: str) -> Substream:
    """The stream of that name, for both directions; made now if there is none.

    The other side has to ask for it too, before a message arrives there: a message for a stream
    that does not exist is ``data`` of the connection.

    Args:
        connection: the spark or socket.
        name: any text, the same on both sides.

    Raises:
        TypeError: `name` is no text.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a substream must be a text, not {name!r}")
    return substreams_of(connection).open(name)


def substreams_of(connection: Any) -> Substreams:
    """The streams of a spark or socket, made when they are first needed."""
    streams: Substreams | None = connection.streams
    if streams is None:
        streams = connection.streams = Substreams(connection)
    return streams


class SubstreamSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``substream``."""

    substream = substream
    streams: Substreams | None = None
    """Those that have not ended; made with the first."""


def incoming(packet: Packet, connection: Any) -> Any:
    """Bring messages to the stream that they belong to; a transform."""
    if isinstance(connection, Stream) or connection.streams is None:
        return None
    read = packets.read(packet.data)
    stream = None if read is None else connection.streams.get(read.name)
    if read is None or stream is None:
        return None
    if read.is_end:
        stream.ended()
        return False
    return stream.receive(read.data, packet.raw)
