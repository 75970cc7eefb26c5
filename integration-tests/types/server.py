"""What a type checker says of a server: its options, its events, its sparks."""

from __future__ import annotations

from typing import TypedDict

from primus import Closed, Primus, Request, Spark, Unauthorized, listens


class Said(TypedDict):
    """A message of a client."""

    text: str


class Visitor(Spark[Said]):
    """A spark with an attribute of the application."""

    name: str = "guest"


primus = Primus[Visitor](timeout=35.0, plugin=["rooms"], origins="https://example.org")

Primus(timout=35.0)  # E: Unexpected keyword argument "timout" | No parameter named "timout"
Primus(timeout="35")  # E: Argument "timeout" to "Primus" | "timeout"
Primus(slow_consumer="wait")  # E: Argument "slow_consumer" | "slow_consumer"
Primus(emitter_timeout=5.0)  # E: Unexpected keyword argument | No parameter named


@primus.on("connection")
async def connection(spark: Visitor) -> None:
    """A listener of the spark's own class."""
    spark.name = spark.id
    spark.nmae = "typo"  # E: "Visitor" has no attribute "nmae" | "nmae"
    spark.on("data", lambda message: spark.write(message["text"]))
    spark.on("data", lambda message: spark.write(message["txet"]))  # E: - | "txet"
    spark.on("vote", vote)
    spark.once("end", lambda closed: print(closed.reason))
    spark.once("end", lambda closed: print(closed.raeson))  # E: - | "raeson"


def vote(choice: str, weight: int) -> None:
    """A listener of an event that no type checker knows."""


@primus.on("connection")
def anywhere(spark: Spark) -> None:
    """A listener of every spark."""


@primus.on("connection")
def nothing() -> None:
    """A listener may take fewer arguments."""


@primus.on("connection")  # E: "Callable[[str], None]" | (spark: str) -> None
def wrong(spark: str) -> None:
    """A listener of something else."""


@primus.on("disconnection")
def gone(spark: Visitor, closed: Closed) -> None:
    """A listener of all arguments."""
    print(spark.name, closed.by, closed.seconds)


@primus.on_spark("data")
def data(spark: Visitor, message: Said) -> None:
    """A handler of every spark."""
    spark.write({"echo": message["text"]})


@primus.on_spark("end")
def end(spark: Visitor) -> None:
    """A handler may take fewer arguments."""


@primus.on_spark("end")  # E: "Callable[[Visitor, str], None]" | Extra parameter "reason"
def badly(spark: Visitor, reason: str) -> None:
    """A handler of something else."""


@primus.handler
class Counter:
    """An object for each connection."""

    def __init__(self, spark: Visitor) -> None:
        self.spark = spark
        self.count = 0

    @listens("data")
    def counted(self, message: Said) -> None:
        """Count a message."""
        self.count += len(message["text"])


@primus.handler  # E: "type[Elsewhere]" | "type[Elsewhere]"
class Elsewhere:
    """It cannot be made with a spark."""

    def __init__(self, text: str) -> None:
        self.text = text


@primus.authorize
async def authorize(request: Request) -> None:
    """Refuse a request."""
    if "token" not in request.query:
        raise Unauthorized("no token")


async def everything() -> None:
    """The sparks are of the application's class wherever they come from."""
    for spark in primus:
        print(spark.name)
        async for message in spark:
            print(message["text"])
    found = primus.spark("id")
    print(found.name)  # E: "None" of "Visitor | None" | "name" is not a known attribute of "None"
    if found is not None:
        print(found.name)
    primus.for_each(lambda spark: print(spark.name))
    server = await Primus[Visitor].create_server(port=0, cert="cert.pem")
    await Primus.create_server(prot=0)  # E: Unexpected keyword argument "prot" | "prot"
    await server.destroy(timeout=1.0)


def helper(server: Primus) -> int:
    """A function for servers of every kind of spark takes one of visitors."""
    return len(server)


print(helper(primus))
