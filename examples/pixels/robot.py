"""A robot that paints a face: typed calls of the board, from Python."""

from __future__ import annotations

import asyncio
import sys

from board import SIZE, Colour, Pixel, RemoteBoard
from primus import PrimusError, connect
from primus_resource import ResourceSocket

FACE = """
...oooooo...
..oYYYYYYo..
.oYYYYYYYYo.
oYY##YY##YYo
oYY##YY##YYo
oYYYYYYYYYYo
oY#YYYYYY#Yo
oYY######YYo
.oYYYrrYYYo.
..oYYYYYYo..
...oooooo...
""".split()
PAINTS = {"o": Colour.BLACK, "#": Colour.BLACK, "Y": Colour.YELLOW, "r": Colour.RED}


async def main(url: str) -> None:
    """Paint the face in the middle of the board."""
    async with connect(url, socket=ResourceSocket, plugin="emitter, resource") as socket:
        board = socket.resource("board", RemoteBoard, multiplex=False)
        left, top = (SIZE - len(FACE[0])) // 2, (SIZE - len(FACE)) // 2
        painted = 0
        for y, row in enumerate(FACE):
            for x, paint in enumerate(row):
                if paint in PAINTS:
                    painted = await board.paint(Pixel(left + x, top + y, PAINTS[paint]))
        print(f"{painted} pixels have been painted, {len(await board.all())} are not white")
        try:
            await board.paint(Pixel(99, 0, Colour.RED))
        except PrimusError as error:
            print(f"and one was refused: {error}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["http://localhost:8080"]))
