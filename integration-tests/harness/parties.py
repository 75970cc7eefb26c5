"""The two parties of a conversation as a test sees them, whatever they are made of."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from .inbox import DEADLINE, Event, Inbox
from .process import ProcessPeer

_numbers = itertools.count(1)


class Peer(Protocol):
    """What hosts servers or clients: a process, or a browser."""

    title: str
    inbox: Inbox

    async def ask(self, do: str, on: str = "", *, within: float = ..., **arguments: Any) -> Any:
        """Run a command and get its result."""

    async def close(self) -> None:
        """Let it leave."""


@dataclass(frozen=True)
class Speech:
    """What both parties have to speak alike."""

    transformer: str = "websockets"
    parser: str = "json"
    plugin: str = ""

    transports: tuple[str, ...] = ()
    """Those that clients keep to, where a transformer has several; empty for all."""

    @property
    def options(self) -> dict[str, str]:
        """The same as options of a server."""
        plugin = {"plugin": self.plugin} if self.plugin else {}
        return {"transformer": self.transformer, "parser": self.parser, **plugin}

    def __str__(self) -> str:
        parser = "" if self.parser == "json" else self.parser
        return "-".join(filter(None, (self.transformer, *self.transports, parser, self.plugin)))


PLAIN = Speech()


class Party:
    """One server or one client at a peer."""

    def __init__(self, peer: Peer, on: str | None = None) -> None:
        self.peer = peer
        self.on = on or f"{peer.title} {next(_numbers)}"
        self.alive = False

    @property
    def process(self) -> ProcessPeer:
        """The process that it lives in, when the test has one for it alone."""
        assert isinstance(self.peer, ProcessPeer)
        return self.peer

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Run the peer's command ``do`` on this party."""
        return await self.peer.ask(do, self.on, **arguments)

    async def destroy(self) -> None:
        """Let it go, and all it holds."""
        self.alive = False
        await self.ask("destroy")

    async def event(self, kind: str, within: float = DEADLINE) -> Event:
        """The next event of ``kind`` here, waited for."""
        return await self.peer.inbox.take(self.on, kind, within)

    def seen(self, *kinds: str) -> list[Event]:
        """All the events of ``kinds`` so far."""
        return [event for kind in kinds for event in self.peer.inbox.seen(self.on, kind)]

    @property
    def story(self) -> list[str]:
        """The names of everything that happened here, in order."""
        return self.peer.inbox.story(self.on)


class Server(Party):
    """A Primus server. Options have the names of Node Primus, durations are milliseconds."""

    port: int
    scheme = "http"

    async def listen(self, port: int = 0, **arguments: Any) -> "Server":
        """Start listening on loopback; ``port`` 0 picks a free one."""
        self.port = await self.ask("listen", port=port, **arguments)
        self.alive = True
        return self

    def url(self, **query: str) -> str:
        """What a client connects to."""
        return f"{self.scheme}://127.0.0.1:{self.port}" + (
            f"/?{urlencode(query, quote_via=quote)}" if query else ""
        )

    async def connection(self) -> str:
        """The id of the next spark."""
        return str((await self.event("connection"))["spark"])

    async def write(self, spark: str, *values: Any) -> None:
        """Write each value to one spark, in this order."""
        await self.ask("write", spark=spark, values=values)

    async def broadcast(self, data: Any) -> None:
        """Write to every spark."""
        await self.ask("broadcast", data=data)

    async def end(self, spark: str, **arguments: Any) -> None:
        """End one spark (``data=``, ``reconnect=``)."""
        await self.ask("end", spark=spark, **arguments)

    async def connected(self) -> list[str]:
        """The ids of the sparks that are connected."""
        return list(await self.ask("connected"))

    async def waits_for(self, text: str) -> None:
        """Wait until a server of Node holds a request with that text in its URL."""
        async with asyncio.timeout(DEADLINE):
            while not any(text in url for url in await self.ask("unanswered")):
                pass

    async def id_for(self, name: str) -> str:
        """The id of the spark that ``primus.spark(name)`` finds."""
        return str(await self.ask("id_for", name=name))

    async def destroy(self, *, reconnect: bool = False) -> None:
        """Destroy the server."""
        self.alive = False
        await self.ask("destroy", reconnect=reconnect)


class Client(Party):
    """A Primus client. Options have the names of Node Primus, durations are milliseconds.

    ``library`` is the primus.js that makes it, where the peer runs one from a file.
    """

    def __init__(self, peer: Peer, speech: Speech = PLAIN, library: Path | None = None) -> None:
        super().__init__(peer)
        self.speech = speech
        self.library = library

    async def connect(
        self,
        url: str,
        writes: Sequence[Any] = (),
        hear: Sequence[str] = (),
        resources: Sequence[dict[str, Any]] = (),
        streams: Mapping[str, Sequence[str]] | None = None,
        **options: Any,
    ) -> "Client":
        """Start connecting, and write ``writes`` at once, before there can be a connection.

        Events over the wire are reported as ``heard`` when their names are in ``hear``. Of each of
        ``resources`` (``name``, ``multiplex``) ``ready`` is reported, and its event ``bark``.
        ``streams`` has the names of ``substreams`` and ``channels`` to make at once, and of the
        events that are heard ``inside`` of channels.
        """
        self.alive = True
        if self.speech.transports:
            options["transport"] = {"transports": [*self.speech.transports]}
        how = {**self.speech.options, "library": self.library and str(self.library)}
        if hear:
            how["hear"] = list(hear)
        if resources:
            how["resources"] = list(resources)
        how |= {name: list(names) for name, names in (streams or {}).items()}
        await self.ask("connect", url=url, writes=list(writes), options=options, **how)
        return self

    async def write(self, *values: Any) -> None:
        """Write each value, in this order."""
        await self.ask("write", values=values)

    async def data(self) -> Any:
        """The next message that arrived."""
        return (await self.event("data"))["data"]

    async def id(self) -> str:
        """What the client's own ``id()`` says."""
        return str(await self.ask("id"))

    async def end(self, **data: Any) -> None:
        """End the connection (``data=`` is written first)."""
        await self.ask("end", **data)
