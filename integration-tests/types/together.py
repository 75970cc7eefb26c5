"""What a type checker says of many plugins in one server, and of declared events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from primus import connect
from primus_analytics import AnalyticsPrimus, AnalyticsSocket
from primus_backbone import BackbonePrimus
from primus_contract import Contract, ContractOptions, ContractPrimus, ContractSpark, Received, Sent
from primus_emit import EmitterOptions, EmitterPrimus, EmitterSocket, EmitterSpark
from primus_fortress_maximus import FortressPrimus
from primus_metroplex import MetroplexPrimus
from primus_mirage import MiragePrimus, MirageSocket, MirageSpark
from primus_multiplex import MultiplexPrimus, MultiplexSpark
from primus_omega_supreme import OmegaSupremePrimus
from primus_primacron import Primacron, PrimacronSpark
from primus_resource import ResourcePrimus, ResourceSocket
from primus_responder import ResponderSocket, ResponderSpark
from primus_session import SessionPrimus, SessionSpark, StarletteSessions
from primus_spark_latency import SparkLatencyPrimus, SparkLatencySpark
from primus_substream import SubstreamSpark


class Said(TypedDict):
    """A message of a client."""

    text: str


class Visitor(
    ContractSpark[Said],
    EmitterSpark[Said],
    MirageSpark[Said],
    MultiplexSpark[Said],
    ResponderSpark[Said],
    SessionSpark[Said],
    SparkLatencySpark[Said],
    SubstreamSpark[Said],
):
    """A spark with the members of many plugins."""


@dataclass
class Vote:
    """What a client sends."""

    choice: Literal["tea", "coffee"]


VOTE = Received("vote", Vote, answer=int)
LEAVE = Received("leave", Vote)
TALLY = Sent("tally", dict[str, int])
CONTRACT = Contract("Votes", receives=[VOTE, LEAVE], sends=[TALLY])


class Todos:
    """A handler of Backbone's models."""

    def read(self, spark: Visitor, data: object, url: str) -> str:
        """Give something."""
        return url


class Options(ContractOptions, EmitterOptions):
    """The options of some of them."""


class Everything(
    AnalyticsPrimus[Visitor],
    BackbonePrimus[Visitor],
    ContractPrimus[Visitor],
    EmitterPrimus[Visitor],
    FortressPrimus[Visitor],
    MetroplexPrimus[Visitor],
    MiragePrimus[Visitor],
    MultiplexPrimus[Visitor],
    OmegaSupremePrimus[Visitor],
    ResourcePrimus[Visitor],
    SparkLatencyPrimus[Visitor],
):
    """A server with the members of all of them."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[Options]) -> None: ...


primus = Everything(plugin="contract, emitter, multiplex", contract=CONTRACT)


@primus.on_event(VOTE)
def vote(spark: Visitor, vote: Vote) -> int:
    """A handler of a declared event."""
    TALLY.send(primus, {vote.choice: 1})
    TALLY.send(spark, {vote.choice: 1})
    TALLY.send(spark, {vote.choice: "one"})  # E: Dict entry 0 | Literal['one']
    return 1


@primus.on_event(VOTE)
async def later(spark: Visitor, vote: Vote) -> int:
    """It may be async."""
    return len(vote.choice)


@primus.on_event(LEAVE)
def leave(spark: Visitor, vote: Vote) -> None:
    """One without an answer."""


@primus.on_event(VOTE)  # E: "__call__" of "Handles" | No overloads
def badly(spark: Visitor, vote: str) -> int:
    """It takes another payload."""
    return len(vote)


def session_id(spark: Visitor) -> str:
    """Make an id."""
    return f"{spark.id} again"


async def server(spark: Visitor) -> None:
    """The members of the plugins, all in one."""
    primus.mirage.generator(session_id)
    print(await spark.get_session(refresh=True))
    await spark.get_session(refersh=True)  # E: Unexpected keyword argument "refersh" | "refersh"
    primus.validate("vote", Vote, limit=(5, 1.0))
    primus.validate("vote", Vote, limit="5")  # E: Argument "limit" to "validate" | "limit"
    print((spark.mirage or "").upper(), spark.mriage)  # E: has no attribute "mriage" | "mriage"
    channel = primus.channel("news")
    channel.write("hello")
    channel.wirte("hello")  # E: has no attribute "wirte" | "wirte"
    spark.substream("files").write("hello")
    await spark.write_and_wait("name?", timeout=5.0)
    print(spark.latency + spark.clock_offset)
    print(primus.backbone("todos", Todos()).read(spark, {}, "todos").upper())
    await spark.write_and_wiat("name?")  # E: has no attribute "write_and_wiat" | "write_and_wiat"
    await primus.metroplex.servers()
    primus.resource("todo").broadcast("added", "hello")
    async for message in spark:
        print(message["text"])


class Client(
    AnalyticsSocket[Said],
    EmitterSocket[Said],
    MirageSocket[Said],
    ResourceSocket[Said],
    ResponderSocket[Said],
):
    """A socket with the members of four plugins."""


async def client() -> None:
    """Declared events of a client."""
    async with connect("http://localhost", socket=Client, plugin="emitter, responder") as socket:
        number = await VOTE.ask(socket, Vote("tea"))
        print(number + 1)
        await VOTE.ask(socket, "tea")  # E: Argument 2 to "ask" | "payload"
        VOTE.send(socket, Vote("milk"))  # E: Argument 1 to "Vote" | Literal['milk']

        TALLY.on(socket)(told)
        await socket.write_and_wait("hello")
        print(socket.mirage.upper())
        print(await socket.resource("todo").ready())


def told(tally: dict[str, int]) -> None:
    """A listener of a client."""
    print(tally)


class Voter(PrimacronSpark):
    """A spark of the preset."""

    name: str = "guest"


def voter_id(spark: Voter) -> str:
    """Make an id."""
    return spark.name


preset = Primacron[Voter](password="secret", mirage_timeout=5.0)
preset.mirage.generator(voter_id)
Primacron(passwort="secret")  # E: "passwort" | "passwort"


async def preset_client() -> None:
    """A client of the preset."""
    async with Primacron.client()("http://localhost") as socket:
        print(socket.mirage.upper(), socket.emit("vote", "tea"))


Sessions = SessionPrimus[Visitor]
Sessions(plugin="session", session=StarletteSessions("secret"))
Sessions(plugin="session", session="secret")  # E: "session" | "session"
