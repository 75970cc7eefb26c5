"""What the server and its Python clients agree on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Protocol

from primus.schema import Bounds
from primus_resource import Calls

SIZE = 16
Place = Annotated[int, Bounds(ge=0, lt=SIZE)]


class Colour(Enum):
    """The paints there are."""

    WHITE = "white"
    BLACK = "black"
    RED = "crimson"
    YELLOW = "gold"
    GREEN = "seagreen"
    BLUE = "royalblue"


@dataclass
class Pixel:
    """One square of the board."""

    x: Place
    y: Place
    colour: Colour


class RemoteBoard(Calls, Protocol):
    """The board, as a client calls it."""

    async def all(self) -> list[Pixel]:
        """Every pixel that is not white."""
        raise NotImplementedError

    async def paint(self, pixel: Pixel) -> int:
        """Paint one pixel; gives how many have been painted so far."""
        raise NotImplementedError
