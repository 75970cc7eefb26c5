"""Boards: sheets of notes side by side, each of them a channel, all over one connection."""

from __future__ import annotations

import hmac
import os
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from primus import Unauthorized
from primus_emit import EmitterPrimus, EmitterSpark
from primus_multiplex import Channel, ChannelSpark, MultiplexPrimus, MultiplexSpark

PAGE = Path(__file__).with_name("index.html")
PASSWORD: Final = "sesame"
MOST_NOTES: Final = 40
LONGEST_NOTE: Final = 140
PERCENT: Final = range(101)


class Reader(MultiplexSpark, EmitterSpark):
    """The spark of a page."""


class Server(MultiplexPrimus[Reader], EmitterPrimus[Reader]):
    """The server, with the members of its plugins."""


class Board:
    """The notes of one board, and the channel by which its readers see them."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.notes: dict[str, list[object]] = {}
        """By id: text, and place from the left and from the top in percent."""
        channel.on("connection", self.opened)
        channel.on("disconnection", self.count)

    def opened(self, reader: ChannelSpark) -> None:
        """A page has opened the board."""
        reader.on("put", partial(self.put, reader))
        reader.on("take", self.take)
        reader.send("notes", self.notes)
        self.count()

    def put(self, reader: ChannelSpark, id: object, text: object, x: object, y: object) -> bool:
        """A page puts a note somewhere, or moves it; the answer is whether there was room."""
        if not isinstance(id, str) or len(id) > LONGEST_NOTE or not isinstance(text, str):
            return False
        if x not in PERCENT or y not in PERCENT:
            return False
        if id not in self.notes and len(self.notes) >= MOST_NOTES:
            return False
        self.notes[id] = [text[:LONGEST_NOTE], x, y]
        others = [other for other in self.channel if other is not reader]
        self.channel.send("put", id, *self.notes[id], to=others)  # encoded once for all of them
        return True

    def take(self, id: object) -> None:
        """A page takes a note away."""
        if isinstance(id, str) and self.notes.pop(id, None) is not None:
            self.channel.send("take", id)

    def count(self) -> None:
        """Tell the pages how many look at the board."""
        self.channel.send("readers", len(self.channel))


app = web.Application()
primus = Server(app, plugin="multiplex, emitter", multiplex_channels=0)
boards = {name: Board(primus.channel(name)) for name in ("ideas", "garden", "secret")}


@primus.channel("secret").authorize
async def ask_for_the_password(reader: ChannelSpark) -> None:
    """The page is asked within the channel, before it is let in."""
    answer = await reader.ask("password?", timeout=5.0)
    if not isinstance(answer, str) or not hmac.compare_digest(answer.encode(), PASSWORD.encode()):
        raise Unauthorized("that is not the password")


@primus.on("connection")
def connection(reader: Reader) -> None:
    """A page learns which boards there are."""
    reader.send("boards", [*boards])


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
