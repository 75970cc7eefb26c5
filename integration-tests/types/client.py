"""What a type checker says of a Python client."""

from __future__ import annotations

from typing import TypedDict

from primus import Primus, Socket, connect
from primus_emit import EmitterSocket


class Said(TypedDict):
    """A message of the server."""

    text: str


class Client(EmitterSocket[Said]):
    """A socket with an attribute of the application."""

    count: int = 0


async def main() -> None:
    """Connect, in every way that there is."""
    async with connect("http://localhost", strategy="timeout", reconnect={"max": 5.0}) as socket:
        socket.on("reconnect scheduled", lambda opts: print(opts.attempt, opts.scheduled))
        socket.on("reconnect failed", lambda error, opts: print(error, opts.retries))
        socket.on("reconnect failed", lambda error, opts: print(opts.retires))  # E: - | "retires"
    connect("http://localhost", stategy="timeout")  # E: No overload variant | No overloads
    connect("http://localhost", timeout="5")  # E: No overload variant | "timeout"
    async with connect("http://localhost", socket=Client, plugin="emitter") as client:
        async for message in client:
            client.count += len(message["text"])
        await client.ask("vote", "tea", timeout=5.0)
        await client.aks("vote")  # E: "Client" has no attribute "aks" | "aks"
    made = Primus.create_socket(socket=Client, plugin="emitter")("http://localhost")
    print(made.count)
    plain = Socket[Said]("http://localhost", manual=True)
    plain.on("data", lambda message: print(message["text"]))
    plain.on("close", lambda closed: print(closed.code))
    Socket("http://localhost", maunal=True)  # E: Unexpected keyword argument "maunal" | "maunal"
