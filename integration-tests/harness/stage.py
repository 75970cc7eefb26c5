"""Where one test plays."""

from dataclasses import dataclass, field
from typing import Any

from .casts import OURS_IN_NODE, Cast
from .parties import PLAIN, Client, Party, Server, Speech
from .process import ProcessPeer


@dataclass
class Stage:
    """Lets the parties of a test enter, and clears them away afterwards."""

    cast: Cast
    speech: Speech = PLAIN
    parties: list[Party] = field(default_factory=list)
    own: list[ProcessPeer] = field(default_factory=list)
    drops: bool = False
    """Whether clients are meant to be dropped for their silence."""

    async def server(self, kind: str, **arguments: Any) -> Server:
        """A server of ``kind`` that listens."""
        server = await self.cast.server(kind)
        self.parties.append(server)
        options = {**self.speech.options, **arguments.pop("options", {})}
        return await server.listen(options=options, **arguments)

    async def client(self, kind: str) -> Client:
        """A client of ``kind``; ``connect`` makes it connect."""
        client = await self.cast.client(kind, self.speech)
        self.parties.append(client)
        return client

    async def process(self, kind: str) -> ProcessPeer:
        """A process of the test's own that hosts servers of ``kind`` and may be killed."""
        peer = await self.cast.server_peer(kind)
        self.own.append(peer)
        return peer

    async def own_client(self, kind: str) -> Client:
        """A client of ``kind`` in a process of its own, which may be frozen or killed."""
        peer = await self.cast.client_peer(kind)
        assert isinstance(peer, ProcessPeer)
        self.own.append(peer)
        library = await self.cast.library(self.speech) if kind == OURS_IN_NODE else None
        return Client(peer, self.speech, library)

    async def clear(self) -> None:
        """End all parties; a server is not asked twice."""
        for party in reversed(self.parties):
            if party.alive:
                await party.destroy()
        for peer in self.own:
            await peer.kill()
