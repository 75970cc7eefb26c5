"""Several servers that are one: what a client says on one of them is seen on all.

python examples/cluster/main.py blue 8080
python examples/cluster/main.py green 8081
python examples/cluster/publish.py "Lunch is ready" lunch
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from aiohttp import web

from primus_backplane import BackplaneOptions, BackplanePrimus, Node
from primus_rooms import RoomsOptions, RoomsPrimus, RoomsSpark

PAGE = Path(__file__).with_name("index.html")
ROOMS = ("lunch", "release")
BUS = os.environ.get("BUS", "redis://localhost")


class Options(RoomsOptions, BackplaneOptions):
    """The options of both plugins."""


class Cluster(RoomsPrimus[RoomsSpark], BackplanePrimus[RoomsSpark]):
    """A server of the cluster, with the members of its plugins."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[Options]) -> None: ...


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


def made(name: str) -> web.Application:
    """A server of the cluster.

    Args:
        name: what it is called: the ids of its sparks begin with it.
    """
    app = web.Application()
    app.router.add_get("/", index)
    primus = Cluster(app, plugin="rooms, backplane", backplane=BUS, node=name)

    def servers() -> dict[str, object]:
        return {"here": name, "servers": sorted(node.name for node in primus.backplane.nodes)}

    @primus.on("connection")
    def connection(spark: RoomsSpark) -> None:
        spark.join(ROOMS)
        spark.write({**servers(), "id": spark.id})

    @primus.on_spark("data")
    async def data(spark: RoomsSpark, message: object) -> None:
        """Text for a room, for the spark with an id, or for everything there is."""
        if not isinstance(message, dict) or not isinstance(message.get("text"), str):
            return
        said = {"text": message["text"][:200], "by": spark.id}
        match message.get("to"):
            case None:
                primus.write(said, everywhere=True)
            case str(room) if room in ROOMS:
                primus.room(room).write({**said, "room": room})
            case str(id):
                known = await primus.backplane.spark(id).write({**said, "alone": True})
                spark.write({"told": id, "known": known})

    def tell(nodes: Sequence[Node]) -> None:
        """Servers have come or gone."""
        primus.write(servers())

    primus.backplane.on("nodes", tell)
    return app


if __name__ == "__main__":
    name, port = [*sys.argv[1:], *("blue", os.environ.get("PORT", "8080"))[len(sys.argv) - 1 :]]
    web.run_app(made(name), host="localhost", port=int(port))
