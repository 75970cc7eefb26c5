"""A board of pixels: an object whose methods pages and programs call."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from board import SIZE, Colour, Pixel
from primus import Spark
from primus_resource import ResourcePrimus, Served

PAGE = Path(__file__).with_name("index.html")

app = web.Application()
primus = ResourcePrimus[Spark](app, plugin="emitter, resource")


class Board(Served):
    """The board: clients call ``all`` and ``paint``, and hear ``painted``."""

    def __init__(self) -> None:
        self.colours = {(x, y): Colour.WHITE for y in range(SIZE) for x in range(SIZE)}
        self.painted = 0

    def on_all(self, spark: Spark) -> list[Pixel]:
        """Every pixel that is not white."""
        return [Pixel(x, y, c) for (x, y), c in self.colours.items() if c is not Colour.WHITE]

    def on_paint(self, spark: Spark, pixel: Pixel) -> int:
        """Paint one pixel; gives how many have been painted so far."""
        self.colours[pixel.x, pixel.y] = pixel.colour
        self.painted += 1
        self.broadcast("painted", pixel)
        return self.painted


primus.resource("board", Board(), multiplex=False)


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
