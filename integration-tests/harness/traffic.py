"""Clients in a room that write to it in turns, and know what each of them has to hear."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from primus import Primus

from .inbox import DEADLINE

__all__ = ["CODE", "RECOVERING", "Talker", "Traffic"]

CODE = """
import time

def setup(primus):
    @primus.on("connection")
    def connection(spark):
        spark.join("news")
        spark.write(["node", primus.node, spark.id])

        @spark.on("data")
        def data(message):
            primus.room("news").write(["news", *message])
            spark.write(["echo", message[1]])

        @spark.on("end")
        def end():
            with open(f"ends of {primus.node}", "a") as file:
                print(spark.id, time.monotonic(), file=file)
"""
"""A server that passes on what its clients write, echoes it, and notes when they end."""

RECOVERING = (
    *("--plugin", "rooms, backplane, recovery"),
    *("--option", f"recovery_secret={'s' * 32}"),
    *("--option", 'rooms={"history": {"news": true}}'),
    *("--option", "recovery_takeover=60"),  # however slow the machine is
)
"""The options of such a server."""

AHEAD = 400
"""How many messages any client may lack before the others write on: recovery keeps more than that,
so that nothing here depends on the pace of the machine."""


class Talker:
    """A client that is in the room.

    Args:
        number: names it among the others.
        url: where the server is.
        transformer: that of the server.
        options: of the client.
    """

    def __init__(
        self, number: int, url: str, transformer: str = "websockets", **options: Any
    ) -> None:
        self.number = number
        self.nodes: list[str] = []
        """The servers that it has been connected to."""
        self.ids: list[str] = []
        """Its sparks there."""
        self.delays: dict[str, float] = {}
        """The seconds after which it was to try to come back, by the spark that had ended."""
        self.wrote: list[int] = []
        """The rounds in which it wrote to the room."""
        self.news: list[tuple[int, int]] = []
        """What the room has got, as it has heard it: the writer, and the round."""
        self.echoes: list[int] = []
        self.told: list[Any] = []
        """What it was told of what it has missed."""
        kind = Primus.create_socket(transformer=transformer, plugin="recovery")
        self.socket: Any = kind(url, reconnect={"max": 2.0, "retries": 100}, **options)
        self.socket.on("data", self._take)
        self.socket.on("recovered", self.told.append)
        self.socket.on("reconnect scheduled", self._is_to_come_back)
        self.socket.on("gap", lambda: self.told.append("gap"))

    def _take(self, message: list[Any]) -> None:
        match message:
            case ["node", node, spark]:
                self.nodes.append(node)
                self.ids.append(spark)
            case ["news", writer, number]:
                self.news.append((writer, number))
            case ["echo", number]:
                self.echoes.append(number)

    def _is_to_come_back(self, attempt: Any) -> None:
        if attempt.attempt == 1 and self.ids:
            self.delays[self.ids[-1]] = attempt.scheduled

    def write(self, number: int) -> None:
        """Write to the room."""
        self.wrote.append(number)
        self.socket.write([self.number, number])


class Traffic:
    """All clients, until the end of a block; in each round some write, the next ones in the next.

    Args:
        talkers: the clients.
        writers: how many write in a round.
        pause: seconds between two rounds.
    """

    def __init__(self, talkers: list[Talker], *, writers: int, pause: float) -> None:
        self.talkers = talkers
        self.written: list[tuple[int, int]] = []
        self._writers = writers
        self._pause = pause

    async def until(self, condition: Callable[[], bool], deadline: float = 4 * DEADLINE) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(deadline):
                while not condition():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError("\n".join(map(self._report, self.talkers))) from None

    async def run(self, done: Callable[[], bool]) -> None:
        """Write rounds until `done`, and wait until everything has been heard."""
        number = 0
        while not done():
            for turn in range(self._writers):
                talker = self.talkers[(number * self._writers + turn) % len(self.talkers)]
                talker.write(number)
                self.written.append((talker.number, number))
            number += 1
            await asyncio.sleep(self._pause)
            await self.until(lambda: self._lacking() < AHEAD)
        await self.until(lambda: self._lacking() == 0)

    def _lacking(self) -> int:
        """How much the client that lacks most has not heard."""
        return max(
            max(len(self.written) - len(talker.news), len(talker.wrote) - len(talker.echoes))
            for talker in self.talkers
        )

    def check(self) -> None:
        """Every client has heard its echoes once, in order, and all news once, in one order."""
        written, first = sorted(self.written), self.talkers[0].news
        for talker in self.talkers:
            assert talker.echoes == talker.wrote, self._report(talker)
            assert sorted(talker.news) == written, self._report(talker)
            assert talker.news == first
            assert all(told["rooms"] and told["session"] for told in talker.told), talker.told

    def _report(self, talker: Talker) -> str:
        """What a client lacks."""
        news, echoes = (
            sorted(set(self.written) - set(talker.news)),
            sorted(set(talker.wrote) - set(talker.echoes)),
        )
        return (
            f"{talker.number} at {talker.nodes} lacks {news} of {len(self.written)} messages, and "
            f"{echoes} of {len(talker.wrote)} echoes; it was told {talker.told}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        for talker in self.talkers:
            talker.socket.destroy()
