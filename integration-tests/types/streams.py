"""What a type checker says of streams above a connection: substreams and channels."""

from __future__ import annotations

from primus import Primus
from primus_multiplex import Channel, ChannelSpark, ClientChannel, MultiplexPrimus, MultiplexSocket
from primus_substream import Substream, SubstreamSocket, SubstreamSpark

streaming = Primus[SubstreamSpark](plugin="substream")
channels = MultiplexPrimus(plugin="multiplex", multiplex_channels=0)
MultiplexPrimus(multiplex_chanels=0)  # E: "multiplex_chanels" | "multiplex_chanels"


@streaming.on("connection")
async def connection(spark: SubstreamSpark) -> None:
    """Streams have their methods, and a connection only those of its plugin."""
    chat: Substream = spark.substream("chat")
    sent: bool = chat.write({"hello": "world"})
    chat.end("last" if sent else None)
    await chat.drain()
    chat.wirte(1)  # E: "Substream" has no attribute "wirte" | "wirte"
    spark.substream(5)  # E: expected "str" | "Literal[5]"
    spark.channel("news")  # E: "SubstreamSpark[Any]" has no attribute "channel" | "channel"


news: Channel = channels.channel("news")


@news.authorize
async def authorize(spark: ChannelSpark) -> None:
    """It gets the spark of the channel."""
    answer: object = await spark.ask("password?", timeout=5.0)
    print(answer, spark.conn.id, spark.channel.name, spark.query.get("token"))


@news.on("connection")
def subscribed(spark: ChannelSpark) -> None:
    """Rooms and events within a channel."""
    spark.join("red")
    news.room("red").except_(spark).write(1)
    news.write("to all", to=[spark])
    news.send(5)  # E: Argument 1 to "send" | "Literal[5]"
    spark.send("event", spark.jion)  # E: "ChannelSpark" has no attribute "jion" | "jion"
    count: int = len(news)
    news.write(count, to=[spark.conn])  # E: "Spark | "Spark


async def client(socket: MultiplexSocket, other: SubstreamSocket) -> None:
    """Clients have them too."""
    channel: ClientChannel = socket.channel("news")
    channel.write("hello")
    async for message in channel:
        print(message, channel.error, channel.id)
    other.substream("chat").pipe(channel)
    other.channel("news")  # E: "SubstreamSocket[Any]" has no attribute "channel" | "channel"
