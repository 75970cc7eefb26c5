"""What a type checker says of requests and resources: calls of a resource have its types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from primus import connect
from primus_emit import EmitterPrimus
from primus_resource import Calls, ResourcePrimus, ResourceSocket, Served
from primus_responder import ResponderPrimus, ResponderSocket, ResponderSpark


@dataclass
class Item:
    """A thing to do."""

    text: str


class Todo(Served):
    """The object of a server."""

    def on_add(self, spark: ResponderSpark, text: str) -> Item:
        """Add an item."""
        self.broadcast("added", text)
        self.boradcast("added")  # E: "Todo" has no attribute "boradcast" | "boradcast"
        return Item(text)


class RemoteTodo(Calls, Protocol):
    """The same, as clients see it."""

    async def add(self, text: str) -> Item:
        """Add an item."""
        raise NotImplementedError


class Server(ResourcePrimus[ResponderSpark], EmitterPrimus[ResponderSpark]):
    """A server with the plugins."""


class Client(ResponderSocket, ResourceSocket):
    """A socket with the plugins."""


primus = Server(plugin="emitter, resource, responder")
todo = primus.resource("todo", Todo(), multiplex=False)
todo.items()  # E: "Todo" has no attribute "items" | "items"
primus.resource("todo", Todo(), mutliplex=False)  # E: No overload variant | No overloads
Responding = ResponderPrimus[ResponderSpark]
Responding(responder_timeout="5")  # E: "responder_timeout" | "responder_timeout"


@primus.on("connection")
async def connection(spark: ResponderSpark) -> None:
    """Ask a client."""
    await spark.write_and_wait({"name": "?"}, timeout=5.0)
    await spark.write_and_wait("name?", timeout=None)
    await spark.write_and_wait()  # E: Too few arguments | "data"
    await spark.write_and_wait("name?", timeout="5")  # E: "timeout" | "timeout"


async def main() -> None:
    """Call the server."""
    async with connect("http://localhost", socket=Client, plugin="emitter, resource") as socket:
        remote = socket.resource("todo", RemoteTodo, multiplex=False)
        print(await remote.ready(timeout=5.0))
        item = await remote.add("learn")
        print(item.text, item.txet)  # E: "Item" has no attribute "txet" | "txet"
        await remote.add(5)  # E: Argument 1 to "add" of "RemoteTodo" | "Literal[5]"
        await remote.remove("learn")  # E: "RemoteTodo" has no attribute "remove" | "remove"
        untyped = socket.resource("todo")
        print(untyped.methods, await untyped.call("add", "learn", timeout=5.0))
        await socket.write_and_wait([1, 2])
