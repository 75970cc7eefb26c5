"""Votes: events declared once, validated, acknowledged, and typed in the browser."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from aiohttp import web

from primus_contract import Contract, ContractOptions, ContractPrimus, Received, Sent
from primus_emit import EmitterOptions, EmitterPrimus, EmitterSpark

PAGE = Path(__file__).with_name("index.html")


@dataclass
class Vote:
    """What a client sends."""

    choice: Literal["tea", "coffee"]


@dataclass
class Tally:
    """What every client is told after each vote."""

    tea: int = 0
    coffee: int = 0


VOTE = Received("vote", Vote, answer=int, description="Vote; the answer is the vote's number.")
TALLY = Sent("tally", Tally, description="The votes so far.")
CONTRACT = Contract("Votes", "1.0.0", receives=[VOTE], sends=[TALLY])


class Options(ContractOptions, EmitterOptions):
    """The options of the server and its plugins."""


class Votes(ContractPrimus[EmitterSpark], EmitterPrimus[EmitterSpark]):
    """The server, with the members of its plugins."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[Options]) -> None: ...


app = web.Application()
primus = Votes(app, plugin="emitter, contract", contract=CONTRACT)
tally = Tally()


@primus.on("connection")
def connection(spark: EmitterSpark) -> None:
    """A new page: it hears the votes so far."""
    TALLY.send(spark, tally)


@primus.on_event(VOTE)
def vote(spark: EmitterSpark, vote: Vote) -> int:
    """A client votes; what it sends has been checked. The answer is the number of the vote."""
    if vote.choice == "tea":
        tally.tea += 1
    else:
        tally.coffee += 1
    TALLY.send(primus, tally)
    return tally.tea + tally.coffee


async def index(request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(PAGE)


app.router.add_get("/", index)

if __name__ == "__main__":
    web.run_app(app, host="localhost", port=int(os.environ.get("PORT", "8080")))
